import type { Fault } from './faults.ts';

/** A device that compiles patched WGSL, and how many shaders the patch has changed so far. */
export interface FaultyDevice {
  readonly device: GPUDevice;
  readonly patched: () => number;
}

/** The same device, except that its shaders have the fault in them. */
export function faultyDevice(sound: GPUDevice, { find, replace }: Fault): FaultyDevice {
  let patched = 0;
  const createShaderModule = (descriptor: GPUShaderModuleDescriptor): GPUShaderModule => {
    const code = descriptor.code.replaceAll(new RegExp(find, 'g'), replace);
    if (code !== descriptor.code) patched++;
    return sound.createShaderModule({ ...descriptor, code });
  };
  const device = new Proxy(sound, {
    get(target, name) {
      if (name === 'createShaderModule') return createShaderModule;
      // Native methods and getters only work on the device itself.
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
  return { device, patched: () => patched };
}
