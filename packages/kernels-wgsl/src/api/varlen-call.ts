import type { Tensor } from '@heed/core';
import { assertUsable, checkTensor, fail } from '@heed/core/kernel';
import type { FloatType } from '../config/forward.ts';
import { type BoundHook, optionHooks } from '../hooks/bound.ts';
import type { Call } from './call.ts';
import { checkFormat, checkWords, keyOperands } from './checks/format.ts';
import { checkCumulative, checkLengths, type GivenLengths } from './checks/lengths.ts';
import { checkOptions } from './checks/options.ts';
import { checkOut } from './checks/out.ts';
import { checkHeads, checkKeyValue, checkLengthLimit } from './checks/shapes.ts';
import { packedKeys, pagedKeys } from './key-facts.ts';
import type { VarlenOptions } from './options.ts';

const floats = ['f32', 'f16'] as const;
const integers = ['u32'] as const;

/** Checks a call over packed [T, H, D] queries, and packed or paged keys and values. */
export function varlenCall(
  fn: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: VarlenOptions,
  given?: readonly BoundHook[],
): Call {
  checkTensor(fn, 'q', q, { rank: 3, dtype: floats });
  const { gpu } = q;
  assertUsable(gpu);
  if (options.cuSeqlensQ === undefined) {
    const fix = 'Pass Int32Array [N + 1]: 0, then the end of each sequence.';
    fail(fn, 'cuSeqlensQ is required', 'undefined', fix);
  }
  const { blockTable } = options;
  const type = checkFormat(fn, options.format, blockTable !== undefined);
  checkWords(fn, type, k);
  const rules = {
    rank: blockTable === undefined ? 3 : 4,
    dtype: type === undefined ? floats : integers,
    gpu,
  };
  checkTensor(fn, 'k', k, rules);
  checkTensor(fn, 'v', v, rules);
  checkKeyValue(fn, k, v);
  const operands = { q, ...keyOperands(fn, { q, k, v }, type, options) };
  checkHeads(fn, operands, rules.rank - 2);

  const [seqlenQ, qHeads, headDim] = q.shape as [number, number, number];
  checkLengthLimit(fn, 'the number of query rows', seqlenQ);
  const batch = sequences(fn, options.cuSeqlensQ);
  checkLengths(fn, gpu, 'cuSeqlensQ', options.cuSeqlensQ, [batch + 1]);
  checkCumulative(fn, 'cuSeqlensQ', options.cuSeqlensQ, seqlenQ);
  checkOptions({ fn, gpu, batch, qHeads }, options);
  const keys =
    blockTable === undefined
      ? packedKeys(fn, k, batch, options)
      : pagedKeys(fn, k, batch, { ...options, blockTable });
  checkLengthLimit(fn, 'the number of key rows', keys.seqlenK);

  const hooks = given ?? optionHooks(options);
  const headDimV = operands.v.shape.at(-1)!;
  if (options.out !== undefined) {
    const shape = [seqlenQ, qHeads, headDimV];
    checkOut({ fn, gpu }, options.out, shape, { q, k, v, options, hooks });
  }
  return {
    fn,
    gpu,
    q,
    k,
    v,
    dtype: q.dtype as FloatType,
    kvDtype: type ?? (k.dtype as FloatType),
    headDim,
    headDimV,
    qHeads,
    kvHeads: k.shape[rules.rank - 2]!,
    lengths: 'varlen',
    batch,
    seqlenQ,
    hooks,
    options,
    ...keys,
  };
}

function sequences(fn: string, cu: GivenLengths): number {
  const entries = cu instanceof Int32Array ? cu.length : ((cu as Tensor)?.shape?.[0] ?? 1);
  if (entries < 1) {
    fail(fn, 'cuSeqlensQ must have N + 1 entries', '0', 'For no sequences pass [0].');
  }
  return entries - 1;
}
