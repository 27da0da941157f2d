/** One shape of the experimental subgroup-matrix ("tensor core") operations: (M×K) · (K×N) → M×N. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

const limitNames = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'minStorageBufferOffsetAlignment',
  'minUniformBufferOffsetAlignment',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** The limits that matter to compute work, in bytes or counts. */
export type Limits = Readonly<Record<(typeof limitNames)[number], number>>;

/** Features and limits of the device (not of its adapter), as plain JSON. */
export interface Capabilities {
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
  /** True with `shader-f16`: arithmetic on halves. f16 storage works without it. */
  readonly f16: boolean;
  /** Range of subgroup sizes; undefined without subgroup operations. */
  readonly subgroups: { readonly min: number; readonly max: number } | undefined;
  /** True if the subgroup size of a kernel can be fixed. */
  readonly subgroupSizeControl: boolean;
  /** Empty without `chromium-experimental-subgroup-matrix`. */
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  /** True with WGSL's `packed_4x8_integer_dot_product`: products of four bytes by four bytes. */
  readonly integerDots: boolean;
  /** True if `profile` measures GPU time; it measures wall time otherwise. */
  readonly timestampQuery: boolean;
  readonly limits: Limits;
}

/** Optional features that heed requests if the adapter has them. */
export const wantedFeatures: readonly string[] = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
];

const matrixFields = ['componentType', 'resultComponentType', 'M', 'N', 'K'] as const;

// A spread copies no field of WebGPU's objects, which keep them on the prototype.
function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>;
}

/** Returns the adapter's real limits, as `requestDevice` takes them. */
export function realLimits(limits: GPUSupportedLimits): Limits {
  return pick(limits, limitNames);
}

/** The adapter information that this browser or Dawn gives. */
interface AdapterInfo extends Partial<GPUAdapterInfo> {
  readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig>;
}

/** What WebGPU tells of a device elsewhere than on the device. */
interface DeviceSource {
  /** Information of its adapter, used where the device itself has none. */
  readonly adapterInfo?: AdapterInfo | undefined;
  /** Features of WGSL that its browser or Dawn has. */
  readonly language?: WGSLLanguageFeatures | undefined;
}

/** Reads the capabilities of a device. */
export function readCapabilities(
  device: GPUDevice,
  { adapterInfo = {}, language }: DeviceSource = {},
): Capabilities {
  const info = (device as { adapterInfo?: AdapterInfo }).adapterInfo ?? adapterInfo;
  const has = (feature: string): boolean => device.features.has(feature);
  // Devices of Dawn have an empty list; only the adapter has the configurations.
  const matrices = [info, adapterInfo].map((i) => [...(i.subgroupMatrixConfigs ?? [])]);
  const known = matrices.find((list) => list.length > 0) ?? [];
  return {
    adapter: {
      vendor: info.vendor ?? '',
      architecture: info.architecture ?? '',
      device: info.device ?? '',
      description: info.description ?? '',
      isFallbackAdapter: info.isFallbackAdapter ?? false,
    },
    f16: has('shader-f16'),
    // 4 and 128 are the widest range that WebGPU allows.
    subgroups: has('subgroups')
      ? { min: info.subgroupMinSize || 4, max: info.subgroupMaxSize || 128 }
      : undefined,
    subgroupSizeControl: has('subgroup-size-control'),
    subgroupMatrix: has('chromium-experimental-subgroup-matrix')
      ? known.map((config) => pick(config, matrixFields))
      : [],
    integerDots: language?.has('packed_4x8_integer_dot_product') ?? false,
    timestampQuery: has('timestamp-query'),
    limits: realLimits(device.limits),
  };
}

/** Measured kernel choices for one adapter, as plain JSON. `tune()` of a kernel package makes it; the caller stores it and passes it to `openGpu`. */
export interface Tuning {
  readonly version: 1;
  /** The adapter on which the entries were measured. On another adapter none is used; without this field, all are used anywhere. */
  readonly adapter?: TunedAdapter;
  /** Forces a tile path of the kernel package wherever that path can run, whatever the entries say; for tests and experiments. */
  readonly force?: { readonly path?: string };
  /** Parameters by canonical problem. An entry that this device cannot run is ignored; a plan's `describe()` says so. */
  readonly entries?: Readonly<Record<string, TuningEntry>>;
}

/** The parameters of one kernel. */
export type TuningEntry = Readonly<Record<string, number | string | boolean>>;

/** The names of an adapter that its browser or Dawn gives. */
export type TunedAdapter = Pick<
  Capabilities['adapter'],
  'vendor' | 'architecture' | 'device' | 'description'
>;
