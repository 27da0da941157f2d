import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  isContiguous,
  type KernelSource,
  sections,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';

/**
 * Adds the results of a token's experts, weighted by the softmax of their k logits, in the order of the logits.
 * @param results f32 [T · k, n], dense
 * @param logits f32 [T, k], dense, by descending logit
 * @returns f32 [T, n]
 * @throws ValidationError other shapes
 */
export function mixExperts(gpu: Gpu, results: Tensor, logits: Tensor): Tensor {
  const [tokens, k] = logits.shape as [number, number];
  const columns = results.shape[1]!;
  const dense = [results, logits].every(({ shape, strides }) => isContiguous(shape, strides));
  if (results.shape[0] !== tokens * k || !dense) {
    throw new ValidationError(
      `mixExperts: results must be dense, with a row for each of the ${tokens} · ${k} logits; got [${results.shape.join(', ')}].`,
    );
  }
  const out = gpu.empty([tokens, columns], { label: 'heed/llm/mixed' });
  if (tokens === 0) return out;
  dispatch(gpu, {
    kernel: getKernel(gpu, mixSource),
    buffers: [bindTensor(results).range, bindTensor(logits).range, bindTensor(out).range],
    params: Uint32Array.of(
      tokens,
      columns,
      k,
      bindTensor(results).elementOffset,
      bindTensor(logits).elementOffset,
      0,
      0,
      0,
    ),
    workgroups: threadGrid(gpu, tokens * columns),
  });
  return out;
}

const mixSource: KernelSource = {
  label: 'heed/llm/mix-experts',
  bindings: ['read', 'read', 'write', 'uniform'],
  code: `${sections(
    '// heed/llm/mix-experts',
    wgsl`
      struct Params {
        tokens: u32,
        columns: u32,
        k: u32,
        results_start: u32,
        logits_start: u32,
        unused0: u32,
        unused1: u32,
        unused2: u32,
      }

      @group(0) @binding(0) var<storage, read> results: array<f32>;
      @group(0) @binding(1) var<storage, read> logits: array<f32>;
      @group(0) @binding(2) var<storage, read_write> out: array<f32>;
      @group(0) @binding(3) var<uniform> params: Params;
    `,
    threadMain(
      'thread',
      wgsl`
        let token = thread / params.columns;
        if (token >= params.tokens) {
          return;
        }
        let first = params.logits_start + token * params.k;
        var total = 0.0;
        var sum = 0.0;
        for (var i = 0u; i < params.k; i++) {
          // The first logit is the largest.
          let weight = exp(logits[first + i] - logits[first]);
          let row = token * params.k + i;
          let result = results[params.results_start + row * params.columns + thread % params.columns];
          total += weight;
          sum = fma(weight, result, sum);
        }
        out[thread] = sum / total;
      `,
    ),
  )}\n`,
};

/** Returns the source of the kernel of this file. */
export const mixSources = (): KernelSource[] => [mixSource];
