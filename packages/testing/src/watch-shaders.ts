import { collectError } from './gpu-errors.ts';
import { nagaGaps } from './naga-gaps.ts';
import { bareVars } from './wgsl-text.ts';

/** Returns the lint findings of a kernel of heed, each with the label of the kernel. */
function shaderFindings({ label = '', code }: GPUShaderModuleDescriptor): string[] {
  if (!label.startsWith('heed')) return [];
  return [...bareVars(code), ...nagaGaps(code)].map((finding) => `${label}: ${finding}`);
}

/** Holds every kernel that heed compiles on a device to the lints, whether or not a unit test lists it. */
export function watchShaders(device: GPUDevice): void {
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    for (const finding of shaderFindings(descriptor)) collectError(new Error(finding));
    return create(descriptor);
  };
}
