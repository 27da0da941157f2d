import type { Fault } from './faults.ts';
import { patchedDevice } from './patched-device.ts';

/** A device that compiles patched WGSL, and how many shaders the patch has changed so far. */
export interface FaultyDevice {
  readonly device: GPUDevice;
  readonly patched: () => number;
}

/** The same device, except that its shaders have the fault in them. */
export function faultyDevice(sound: GPUDevice, { find, replace }: Fault): FaultyDevice {
  let patched = 0;
  const device = patchedDevice(sound, (text) => {
    const code = text.replaceAll(new RegExp(find, 'g'), replace);
    if (code !== text) patched++;
    return code;
  });
  return { device, patched: () => patched };
}
