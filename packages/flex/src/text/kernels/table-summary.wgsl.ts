import type { DType } from '@heed/core';
import { type KernelSource, memoized, threadMain, wgsl } from '@heed/core/kernel';
import { decode, SUMMARY_BLOCK } from '../backends/wgsl/captured-tables.ts';
import { f32Literal } from '../backends/wgsl/expression-text.ts';
import { INFINITE } from '../ir/evaluate-operation.ts';

/** Computes the least and the largest element of each block of a row, as a mod reads them: one thread per block. */
export const summarySource: (dtype: DType) => KernelSource = memoized((dtype) => dtype, make);

function make(dtype: DType): KernelSource {
  const isFloat = dtype !== 'i32' && dtype !== 'u32';
  const type = isFloat ? 'f32' : 'i32';
  const [least, largest] = isFloat
    ? [`-${f32Literal(INFINITE)}`, f32Literal(INFINITE)]
    : ['-2147483648', '2147483647'];
  const code = wgsl`
    struct Params {
      rows: u32,
      blocks: u32,
      source: u32,
      first: u32,
      size: u32,
      stride: u32,
      // Sizes and strides of the other axes.
      shape: vec4<u32>,
      strides: vec4<u32>,
    }

    @group(0) @binding(0) var<storage, read> captures: array<u32>;
    @group(0) @binding(1) var<storage, read_write> summary: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    fn element(at: u32) -> ${type} {
      ${decode(dtype)}
    }

    fn row_start(row: u32) -> u32 {
      var rest = row;
      var at = params.source;
      for (var axis = 3; axis >= 0; axis--) {
        at += rest % params.shape[axis] * params.strides[axis];
        rest /= params.shape[axis];
      }
      return at;
    }

    ${threadMain(
      'index',
      wgsl`
        if (index >= params.rows * params.blocks) {
          return;
        }
        let row = row_start(index / params.blocks);
        let first = index % params.blocks * ${SUMMARY_BLOCK}u;
        let end = min(first + ${SUMMARY_BLOCK}u, params.size);
        var low: ${type} = ${largest};
        var high: ${type} = ${least};
        for (var i = first; i < end; i++) {
          let x = element(row + i * params.stride);
          low = min(low, x);
          high = max(high, x);
        }
        summary[params.first + index * 2u] = bitcast<u32>(low);
        summary[params.first + index * 2u + 1u] = bitcast<u32>(high);
      `,
    )}
  `;
  return {
    label: `heed/summary ${dtype}`,
    code: `${code}\n`,
    bindings: ['read', 'write', 'uniform'],
  };
}
