// What the author of a kernel or of a variant writes; compiled, never run.
import type { Gpu, Tensor } from '@heed/core';
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
