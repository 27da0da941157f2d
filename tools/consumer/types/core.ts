// Programs of a user of @heed/core, and of an author of kernels and variants; compiled, never run.
import { HeedError, openGpu, type DType, type Gpu, type Tensor } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  getKernel,
  type Kernel,
  wgsl,
} from '@heed/core/kernel';
import type { ScoreHook } from '@heed/kernels-wgsl';
import { allHooks, rowConstants, type VariantHooks } from '@heed/kernels-wgsl/variant';

export async function roundTrip(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayLike<number>> {
  const dtype: DType = 'f32';
  using gpu: Gpu = await openGpu({ device });
  using wrapped: Tensor = gpu.wrap(buffer, { shape: [2, 3], dtype });
  using view = wrapped.permute([1, 0]).slice(0, 0, 2);
  try {
    return await view.read();
  } catch (error) {
    if (HeedError.is(error)) throw new Error(error.code, { cause: error });
    throw error;
  }
}

export function copy(gpu: Gpu, x: Tensor, out: Tensor): void {
  const code = wgsl`@compute @workgroup_size(1) fn main() {}`;
  const kernel: Kernel = getKernel(gpu, { label: 'copy', bindings: ['read', 'write'], code });
  const buffers = [bindTensor(x).range, bindTensor(out).range];
  dispatch(gpu, { kernel, buffers, workgroups: dispatchGrid(gpu, 1) });
}

export const hook: ScoreHook = {
  kind: 'score',
  name: 'half',
  params: [],
  wgsl: 'fn score_half(score: f32, row: Row, key: i32) -> f32 { return score * 0.5; }',
};

export const size = (hooks: VariantHooks): number =>
  allHooks(hooks).length + rowConstants(hooks).length;
