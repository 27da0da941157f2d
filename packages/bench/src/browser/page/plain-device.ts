import { type Gpu, UnsupportedError } from '@heed/core';

const powerPreference = 'high-performance';

/**
 * A device like heed's, of the same adapter, but without subgroups: there onnxruntime takes other kernels, which are right where
 * those with subgroups are not.
 * @throws UnsupportedError heed's device has none to leave out
 */
export async function deviceWithoutSubgroups({ device, capabilities }: Gpu): Promise<GPUDevice> {
  if (!device.features.has('subgroups')) {
    throw new UnsupportedError('the adapter has no subgroups, so this is as onnxruntime-web');
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference });
  const features = [...device.features] as GPUFeatureName[];
  const known = features.filter((name) => adapter!.features.has(name));
  return adapter!.requestDevice({
    label: 'bench without subgroups',
    requiredFeatures: known.filter((name) => !name.startsWith('subgroup')),
    requiredLimits: { ...capabilities.limits },
  });
}
