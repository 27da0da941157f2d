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

/** The limits that compute work meets, in bytes or counts. */
export type Limits = Readonly<Record<(typeof limitNames)[number], number>>;

/** What the device (not its adapter) can do, as plain JSON data. */
export interface Capabilities {
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
  /** `shader-f16`: arithmetic on halves. f16 storage works without it. */
  readonly f16: boolean;
  /** Range of subgroup sizes, when the device has subgroup operations. */
  readonly subgroups: { readonly min: number; readonly max: number } | undefined;
  /** Pinning the subgroup size of a kernel is possible. */
  readonly subgroupSizeControl: boolean;
  /** Empty without `chromium-experimental-subgroup-matrix`. */
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  /** `profile` measures GPU time; else it measures wall time. */
  readonly timestampQuery: boolean;
  readonly limits: Limits;
}

/** Optional features that heed asks for where the adapter has them. */
export const wantedFeatures: readonly string[] = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
];

const matrixFields = ['componentType', 'resultComponentType', 'M', 'N', 'K'] as const;

// WebGPU's objects keep their fields on the prototype, out of reach of a spread.
function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>;
}

/** The adapter's real values of the limits above, as `requestDevice` wants them. */
export function realLimits(limits: GPUSupportedLimits): Limits {
  return pick(limits, limitNames);
}

/** As far as this browser or Dawn tells it. */
interface AdapterInfo extends Partial<GPUAdapterInfo> {
  readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig>;
}

/**
 * Reads the capabilities of a device.
 * @param adapterInfo what its adapter says, for what the device does not carry itself
 */
export function readCapabilities(device: GPUDevice, adapterInfo: AdapterInfo = {}): Capabilities {
  const info = (device as { adapterInfo?: AdapterInfo }).adapterInfo ?? adapterInfo;
  const has = (feature: string): boolean => device.features.has(feature);
  // Dawn's devices give an empty list; only the adapter has the configurations.
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
    timestampQuery: has('timestamp-query'),
    limits: realLimits(device.limits),
  };
}

/** Measured choices for one adapter, as plain JSON: made by a kernel package's `tune()`, kept by the caller, given to `openGpu`. */
export interface Tuning {
  readonly version: 1;
  /** Where the entries were measured: on another adapter none of them is used. Left out, they are used on any. */
  readonly adapter?: TunedAdapter;
  /** Forces a tile path of the kernel package wherever that path can run, whatever the entries say; for tests and experiments. */
  readonly force?: { readonly path?: string };
  /** Per canonical problem, the parameters to use. One that this device cannot run is passed over; a plan's `describe()` says so. */
  readonly entries?: Readonly<Record<string, TuningEntry>>;
}

/** The parameters of one kernel. */
export type TuningEntry = Readonly<Record<string, number | string | boolean>>;

/** An adapter's names, as far as its browser or Dawn tells them. */
export type TunedAdapter = Pick<
  Capabilities['adapter'],
  'vendor' | 'architecture' | 'device' | 'description'
>;
