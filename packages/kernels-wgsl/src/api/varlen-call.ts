import type { PagedKvView, Tensor } from '@heed/core';
import { assertUsable, checkTensor, fail, readOptions, show } from '@heed/core/kernel';
import type { FloatType } from '../config/forward.ts';
import { band } from '../hooks/band.ts';
import { type BoundHook, optionHooks } from '../hooks/bound.ts';
import type { Call } from './call.ts';
import { checkFormat, checkWords, keyOperands } from './checks/format.ts';
import { checkCumulative, checkLengths, type Lengths } from './checks/lengths.ts';
import { checkOptions } from './checks/options.ts';
import { checkOut } from './checks/out.ts';
import { checkHeads, checkKeyValue, checkLengthLimit } from './checks/shapes.ts';
import { packedKeys, pagedKeys } from './key-facts.ts';
import { meantHere } from './meant.ts';
import { varlenNames } from './option-names.ts';
import type { VarlenOptions } from './options.ts';

const floats = ['f32', 'f16'] as const;
const integers = ['u32'] as const;

/** Checks a call of `varlenAttention`: (q, k, v, options), or (q, view, options). */
export function packedCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  v: Tensor | VarlenOptions,
  options: VarlenOptions | undefined,
): Call {
  const given = (isView(k) ? v : options) as VarlenOptions | undefined;
  const all = readOptions(fn, given, varlenNames, meantHere);
  return isView(k) ? viewCall(fn, q, k, all) : varlenCall(fn, q, k, v as Tensor, all);
}

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

/** The call that a page view stands for. */
export function viewCall(
  fn: string,
  q: Tensor,
  view: PagedKvView,
  options: VarlenOptions,
  hooks?: readonly BoundHook[],
): Call {
  const { k, v, blockTable, seqUsedK, maxSeqlenK, format, headDim, headDimV, pageSize } = view;
  const own = { blockTable, seqUsedK, format, headDim, headDimV };
  checkSame(fn, own, options);
  const all = { maxSeqlenK, ...options, ...own };
  const call = varlenCall(fn, q, k, v, all, hooks);
  if (pageSize !== call.pageSize) {
    const rule = `view.pageSize must be the second dimension of view.k, ${call.pageSize}`;
    fail(fn, rule, show(pageSize), 'Pass the view as the cache made it.');
  }
  checkWindow(fn, view, options, call.hooks);
  return call;
}

/** What a view says, options may say too, but nothing else. */
function checkSame(fn: string, own: Partial<VarlenOptions>, options: VarlenOptions): void {
  for (const name of Object.keys(own) as (keyof VarlenOptions)[]) {
    const given = options[name];
    if (given === undefined || given === own[name]) continue;
    const fix = 'Leave it out: the view has it.';
    fail(fn, `${name} must be that of the view, ${show(own[name])}`, show(given), fix);
  }
}

/** What a windowed cache has released reads as zeros, which a call must not take for keys. */
function checkWindow(
  fn: string,
  { window }: PagedKvView,
  { window: given }: VarlenOptions,
  hooks: readonly BoundHook[],
): void {
  if (window === undefined) return;
  const left = given?.[0] ?? -1;
  const hasMask = hooks.some(({ hook }) => hook.kind === 'mask' && hook !== band);
  if (hasMask || (left >= 0 && left <= window)) return;
  const rule = `keys more than ${window} before a query may have been released from this view`;
  const got = given === undefined ? 'no window' : `window [${given.join(', ')}]`;
  fail(fn, rule, got, `Pass window: [${window}, -1] or less, or hide them by a maskMod.`);
}

/** Whether keys came as a view of pages, not as a tensor. */
export function isView(k: Tensor | PagedKvView): k is PagedKvView {
  return typeof k === 'object' && k !== null && 'blockTable' in k;
}

function sequences(fn: string, cu: Lengths): number {
  const entries = cu instanceof Int32Array ? cu.length : (cu?.shape?.[0] ?? 1);
  if (entries < 1) {
    fail(fn, 'cuSeqlensQ must have N + 1 entries', '0', 'For no sequences pass [0].');
  }
  return entries - 1;
}
