import type { Tensor } from '@heed/core';
import {
  bindTensor,
  elementCount,
  getKernel,
  type KernelSource,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { Target } from '../../run/target.ts';

/** From fixed point to f32; what had a contribution that was not finite is NaN. */
export const finishSource: KernelSource = {
  label: 'heed/table gradients',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      count: u32,
      first: u32,
      log2_adds: u32,
    }

    @group(0) @binding(0) var<storage, read> sums: array<u32>;
    @group(0) @binding(1) var<storage, read_write> result: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    fn power_of_two(exponent: i32) -> f32 {
      return bitcast<f32>(u32(exponent + 127) << 23u);
    }

    ${threadMain(
      'element',
      wgsl`
        if (element >= params.count) {
          return;
        }
        var low = sums[params.first + 1u + element];
        var high = sums[params.first + 1u + params.count + element];
        let is_negative = (high & 0x80000000u) != 0u;
        if (is_negative) {
          low = ~low + 1u;
          high = ~high + select(0u, 1u, low == 0u);
        }
        // A sum is its integer · 2^(log2_adds + E − 188), E being the biased exponent of the largest contribution.
        let exponent = i32(params.log2_adds + max(sums[params.first] >> 23u, 1u)) - 188;
        let half = exponent / 2;
        let size = (f32(high) * 4294967296.0 + f32(low)) * power_of_two(half) * power_of_two(exponent - half);
        let is_finite = sums[params.first + 1u + 2u * params.count + element] == 0u;
        result[element] = select(0x7fc00000u, bitcast<u32>(select(size, -size, is_negative)), is_finite);
      `,
    )}
  `}\n`,
};

export function finishTable(
  target: Target,
  sums: Tensor,
  first: number,
  log2Adds: number,
  result: Tensor,
): void {
  const count = elementCount(result.shape);
  const params = Uint32Array.of(count, first, log2Adds, 0);
  target.dispatch({
    kernel: getKernel(target.gpu, finishSource),
    buffers: [bindTensor(sums).range, bindTensor(result).range],
    params,
    workgroups: threadGrid(target.gpu, count),
  });
}
