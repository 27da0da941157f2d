import type { Tensor } from '@heed/core';
import { assertUsable, checkTensor, formatShape } from '@heed/core/kernel';
import type { FloatType } from '../config/forward.ts';
import type { Call } from './call.ts';
import { checkLengths, checkUsed } from './checks/lengths.ts';
import { fail } from './checks/fail.ts';
import { checkOptions, checkOut } from './checks/options.ts';
import { checkHeads, checkKeyValue, checkLengthLimit } from './checks/shapes.ts';
import type { AttentionOptions } from './options.ts';

/** Checks a call over [B, H, L, D] tensors, before anything reaches the GPU. */
export function denseCall(
  fn: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): Call {
  const floats = { rank: 4, dtype: ['f32', 'f16'] as const };
  checkTensor(fn, 'q', q, floats);
  const { gpu } = q;
  assertUsable(gpu);
  checkTensor(fn, 'k', k, { ...floats, gpu });
  checkTensor(fn, 'v', v, { ...floats, gpu });
  checkKeyValue(fn, k, v);
  checkHeads(fn, { q, k, v }, { heads: 1, kvHeads: 1 });

  const [batch, qHeads, seqlenQ, headDim] = q.shape as [number, number, number, number];
  const [kvBatch, kvHeads, seqlenK] = k.shape as [number, number, number, number];
  if (kvBatch !== batch && kvBatch !== 1) {
    const got = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}`;
    fail(fn, 'k and v must have the batch of q, or batch 1 to serve all of it', got, `Pass k with batch ${batch}.`);
  }
  checkLengthLimit(fn, 'the query length', seqlenQ);
  checkLengthLimit(fn, 'the key length', seqlenK);
  checkOptions({ fn, gpu, batch, qHeads }, options);
  const { seqUsedK } = options;
  if (seqUsedK !== undefined) {
    checkLengths(fn, gpu, 'seqUsedK', seqUsedK, [batch]);
    checkUsed(fn, seqUsedK, () => seqlenK);
  }
  const headDimV = v.shape[3]!;
  if (options.out !== undefined) {
    const shape = [batch, qHeads, seqlenQ, headDimV];
    checkOut({ fn, gpu }, options.out, shape, { q, k, v, ...optionTensors(options) });
  }
  return {
    fn, gpu, q, k, v,
    dtype: q.dtype as FloatType,
    kvDtype: k.dtype as FloatType,
    headDim, headDimV, qHeads, kvHeads,
    lengths: 'dense',
    keys: 'strided',
    batch, seqlenQ, seqlenK,
    pageSize: 1, pages: 0, maxPages: 0,
    given: seqUsedK === undefined ? {} : { used: seqUsedK },
    options,
  };
}

/** The tensors among the options, all of which a kernel reads. */
export function optionTensors(options: object): Readonly<Record<string, Tensor>> {
  const names = ['alibiSlopes', 'sinks', 'seqUsedK', 'cuSeqlensQ', 'cuSeqlensK', 'blockTable'];
  const given = options as Readonly<Record<string, unknown>>;
  const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && 'strides' in x;
  return Object.fromEntries(names.flatMap((name) => (isTensor(given[name]) ? [[name, given[name]]] : [])));
}
