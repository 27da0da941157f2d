/** What a wrapped device has in place of its own. */
export interface DevicePatch {
  readonly code?: (code: string) => string;
  /** Called with the descriptor of each shader module. */
  readonly made?: (descriptor: GPUShaderModuleDescriptor) => void;
  /** Features besides its own. */
  readonly features?: readonly string[];
  readonly limits?: Partial<Record<keyof GPUSupportedLimits, number>>;
  readonly adapterInfo?: object;
}

/** Wraps a device: patches its shaders, adds features to its list, and replaces limits and what it says of its adapter. */
export function patchedDevice(
  sound: GPUDevice,
  {
    code: patch = (code) => code,
    made,
    features: more = [],
    limits = {},
    adapterInfo,
  }: DevicePatch,
): GPUDevice {
  const createShaderModule = (descriptor: GPUShaderModuleDescriptor): GPUShaderModule => {
    made?.(descriptor);
    return sound.createShaderModule({ ...descriptor, code: patch(descriptor.code) });
  };
  const own = {
    createShaderModule,
    features: new Set<string>([...sound.features, ...more]),
    limits: new Proxy(sound.limits, {
      get: (target, name) => Reflect.get(limits, name) ?? Reflect.get(target, name, target),
    }),
    ...(adapterInfo && { adapterInfo }),
  };
  return new Proxy(sound, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      // Native methods and getters work only on the device itself.
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
