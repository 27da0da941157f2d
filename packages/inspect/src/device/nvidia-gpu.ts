/**
 * Returns a GPU whose devices show the facts by which heed chooses kernels for NVIDIA: the vendor, subgroups of 32 lanes, and the
 * 48 KiB of workgroup memory that NVIDIA's Vulkan driver has. The subgroup matrices and the compiler stay those of Mesa's.
 */
export function asNvidia(gpu: GPU): GPU {
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await gpu.requestAdapter(options);
    return adapter && nvidiaAdapter(adapter);
  };
  return overlay(gpu, { requestAdapter });
}

function nvidiaAdapter(adapter: GPUAdapter): GPUAdapter {
  const info = overlay(adapter.info, {
    vendor: 'nvidia',
    architecture: '',
    device: '',
    description: 'NVIDIA, by the compiler nvcc',
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
  });
  const limits = overlay(adapter.limits, { maxComputeWorkgroupStorageSize: 49_152 });
  const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
    const device = await adapter.requestDevice(descriptor);
    return Object.defineProperty(device, 'adapterInfo', { value: info });
  };
  return overlay(adapter, { info, limits, requestDevice });
}

/** Returns an object that has some properties of its own and the others of a native object, whose getters take no other object. */
function overlay<T extends object>(under: T, over: Partial<T>): T {
  return new Proxy(under, {
    get: (target, name) => {
      if (name in over) return over[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
