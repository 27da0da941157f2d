import type { Tensor } from '@heed/core';
import { assertUsable, checkTensor, fail, floatTypes, show } from '@heed/core/kernel';
import type { Call } from '../host/attention-call.ts';
import type { VarlenOptions } from '../host/attention-options.ts';
import { hooksOfCall } from '../host/attention-options.ts';
import { checkOptions } from '../host/attention-options.ts';
import { type BoundHook } from '../host/options/attention-option.ts';
import type { GivenLengths, Lengths } from '../host/options/seq-used-k.ts';
import { hooksBeside, selectedOf } from '../host/options/selected-keys.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import { checkCumulative, checkLengths, checkPages, checkUsed } from './check-lengths.ts';
import {
  checkFormat,
  checkFormatV,
  checkHeads,
  checkKeyValue,
  checkLengthLimit,
  checkWords,
  keyOperands,
} from './check-operands.ts';
import { checkOut } from './check-out.ts';

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
  checkTensor(fn, 'q', q, { rank: 3, dtype: floatTypes });
  const { gpu } = q;
  assertUsable(gpu);
  if (options.cuSeqlensQ === undefined) {
    const fix = 'Pass Int32Array [N + 1]: 0, then the end of each sequence.';
    fail(fn, 'cuSeqlensQ is required', 'undefined', fix);
  }
  const { blockTable } = options;
  const isPaged = blockTable !== undefined;
  const type = checkFormat(fn, options.format, isPaged);
  const typeV = checkFormatV(fn, options, type, isPaged);
  checkWords(fn, type, k);
  const rank = isPaged ? 4 : 3;
  checkTensor(fn, 'k', k, { rank, dtype: type === undefined ? floatTypes : integers, gpu });
  checkTensor(fn, 'v', v, { rank, dtype: typeV === undefined ? floatTypes : integers, gpu });
  checkKeyValue(fn, k, v, options.formatV === undefined);
  const operands = { q, ...keyOperands(fn, { q, k, v }, type, options, typeV) };
  checkHeads(fn, operands, rank - 2);
  const kvDtype = type ?? (k.dtype as FloatType);
  const vDtype = typeV ?? (v.dtype as FloatType);

  const [seqlenQ, qHeads, headDim] = q.shape as [number, number, number];
  checkLengthLimit(fn, 'the number of query rows', seqlenQ);
  const batch = sequences(fn, options.cuSeqlensQ);
  checkLengths(fn, gpu, 'cuSeqlensQ', options.cuSeqlensQ, [batch + 1]);
  checkCumulative(fn, 'cuSeqlensQ', options.cuSeqlensQ, seqlenQ);
  const kvHeads = k.shape[rank - 2]!;
  const context = { fn, gpu, lengths: 'varlen', batch, qHeads, kvHeads, seqlenQ } as const;
  checkOptions(context, options);
  const selected = selectedOf(context, options);
  const keys =
    blockTable === undefined
      ? packedKeys(fn, k, batch, options)
      : pagedKeys(fn, k, batch, { ...options, blockTable });
  checkLengthLimit(fn, 'the number of key rows', keys.seqlenK);

  const hooks = hooksBeside(selected, hooksOfCall(options, given));
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
    kvDtype,
    ...(vDtype !== kvDtype && { vDtype }),
    headDim,
    headDimV,
    qHeads,
    kvHeads,
    lengths: 'varlen',
    batch,
    seqlenQ,
    hooks,
    options,
    selected,
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

/** Facts about the keys of a call over packed queries, after their lengths are checked. */
type KeyFacts = Pick<
  Call,
  'keys' | 'seqlenK' | 'maxSeqlenK' | 'pageSize' | 'pages' | 'maxPages' | 'given'
>;

/** Checks keys packed [Tk, Hkv, D], sequence after sequence. */
export function packedKeys(fn: string, k: Tensor, batch: number, o: VarlenOptions): KeyFacts {
  const rows = k.shape[0]!;
  const cuK = o.cuSeqlensK ?? o.cuSeqlensQ;
  const name = o.cuSeqlensK === undefined ? 'cuSeqlensQ (also for k)' : 'cuSeqlensK';
  checkLengths(fn, k.gpu, name, cuK, [batch + 1]);
  checkCumulative(fn, name, cuK, rows);
  if (o.seqUsedK !== undefined) {
    checkLengths(fn, k.gpu, 'seqUsedK', o.seqUsedK, [batch]);
    checkUsed(fn, o.seqUsedK, (b) =>
      cuK instanceof Int32Array ? cuK[b + 1]! - cuK[b]! : undefined,
    );
  }
  const given = {
    cuQ: o.cuSeqlensQ as Lengths,
    cuK,
    ...(o.seqUsedK !== undefined && { used: o.seqUsedK }),
  };
  const isKnown = cuK instanceof Int32Array;
  const slot = isKnown ? longestSlot(cuK) : rows;
  const maxSeqlenK = longest(fn, o, slot, isKnown ? slot : Math.ceil(rows / Math.max(batch, 1)));
  return { keys: 'strided', seqlenK: rows, maxSeqlenK, pageSize: 1, pages: 0, maxPages: 0, given };
}

/** Checks paged keys, addressed through `blockTable`. */
function pagedKeys(
  fn: string,
  k: Tensor,
  batch: number,
  options: VarlenOptions & { blockTable: GivenLengths },
): KeyFacts {
  const { cuSeqlensQ, seqUsedK, blockTable } = options;
  const [pages, pageSize] = k.shape as [number, number];
  if (seqUsedK === undefined) {
    const fix = 'A table does not tell how many keys a sequence has.';
    fail(fn, 'blockTable needs seqUsedK', 'undefined', fix);
  }
  if (pageSize < 1) {
    const rule = 'pageSize (second dimension of k) must be at least 1';
    fail(fn, rule, String(pageSize), 'Pass k as [pages, pageSize, Hkv, D].');
  }
  checkLengths(fn, k.gpu, 'seqUsedK', seqUsedK, [batch]);
  const maxPages = tableWidth(fn, blockTable, batch);
  checkLengths(fn, k.gpu, 'blockTable', blockTable, [batch, maxPages]);
  const slot = maxPages * pageSize;
  checkUsed(fn, seqUsedK, () => slot);
  checkPages(fn, blockTable, seqUsedK, { maxPages, pageSize, pages });
  const given = { cuQ: cuSeqlensQ as Lengths, used: seqUsedK, table: blockTable };
  const seqlenK = pages === 0 ? 0 : slot;
  const maxSeqlenK = longest(fn, options, seqlenK);
  return { keys: 'paged', seqlenK, maxSeqlenK, pageSize, pages, maxPages, given };
}

/** Returns the row count of the longest sequence. */
function longestSlot(cu: Int32Array): number {
  let most = 0;
  for (let b = 1; b < cu.length; b++) most = Math.max(most, cu[b]! - cu[b - 1]!);
  return most;
}

/**
 * Returns the key count of the longest sequence, as far as the host knows it. A wrong `maxSeqlenK` costs time only.
 * @param slot upper limit of the key count
 * @param guess returned if the host knows neither `maxSeqlenK` nor the used lengths: for packed sequences whose lengths are on
 *   the GPU, their mean length
 */
function longest(
  fn: string,
  { maxSeqlenK = Infinity, seqUsedK }: VarlenOptions,
  slot: number,
  guess: number = slot,
): number {
  if (maxSeqlenK !== Infinity && !(Number.isSafeInteger(maxSeqlenK) && maxSeqlenK >= 0)) {
    fail(fn, 'maxSeqlenK must be a whole number from 0 on', show(maxSeqlenK), 'Leave it out.');
  }
  const used =
    seqUsedK instanceof Int32Array ? seqUsedK.reduce((a, b) => Math.max(a, b), 0) : Infinity;
  const known = Math.min(maxSeqlenK, used);
  return known === Infinity ? guess : Math.min(slot, known);
}

function tableWidth(fn: string, table: GivenLengths, batch: number): number {
  if (!(table instanceof Int32Array)) return (table as Tensor | undefined)?.shape?.[1] ?? 0;
  if (batch === 0) return 0;
  if (table.length % batch !== 0) {
    const rule = `blockTable must be [${batch}, maxPages], row by row`;
    const fix = 'Pad every row to the same number of pages.';
    fail(fn, rule, `${table.length} entries`, fix);
  }
  return table.length / batch;
}
