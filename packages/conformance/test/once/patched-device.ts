/** The same device, except that its shaders are patched, and that it says to have more features. */
export function patchedDevice(
  sound: GPUDevice,
  patch: (code: string) => string,
  more: readonly string[] = [],
): GPUDevice {
  const createShaderModule = (descriptor: GPUShaderModuleDescriptor): GPUShaderModule =>
    sound.createShaderModule({ ...descriptor, code: patch(descriptor.code) });
  const features = new Set<string>([...sound.features, ...more]);
  return new Proxy(sound, {
    get(target, name) {
      if (name === 'createShaderModule') return createShaderModule;
      if (name === 'features') return features;
      // Native methods and getters only work on the device itself.
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
