import type { PagedKvView, Tensor } from '@heed/core';
import { fail, isColumnsOf, isPagedView, knownList, readOptions, show } from '@heed/core/kernel';
import type { Call } from '../host/attention-call.ts';
import type { VarlenOptions, ViewOptions } from '../host/attention-options.ts';
import { optionHooks } from '../host/attention-options.ts';
import { type BoundHook } from '../host/options/attention-option.ts';
import { boundHeld } from '../host/held-keys.ts';
import { meantHere, varlenNames } from './attention-names.ts';
import { varlenCall } from './varlen-call.ts';

/** Checks a call of `varlenAttention`: (q, k, v, options), or (q, view, options). */
export function packedCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  v: Tensor | ViewOptions | undefined,
  options: VarlenOptions | undefined,
): Call {
  const given = (isPagedView(k) ? v : options) as VarlenOptions | undefined;
  const all = readOptions(fn, given, varlenNames, meantHere);
  return isPagedView(k) ? viewCall(fn, q, k, all) : varlenCall(fn, q, k, v as Tensor, all);
}

/**
 * Makes the call of a page view. `cuSeqlensQ` defaults to the view's, and keys that the cache's window has released are masked.
 * @param given hooks of a variant, which replace the hooks made from the options
 */
export function viewCall(
  fn: string,
  q: Tensor,
  view: PagedKvView,
  options: ViewOptions,
  given?: readonly BoundHook[],
): Call {
  const { k, v, blockTable, seqUsedK, format, formatV, headDim, headDimV, pageSize } = view;
  const cuSeqlensQ = options.cuSeqlensQ ?? view.cuSeqlensQ;
  const maxSeqlenK = options.maxSeqlenK ?? view.maxSeqlenK;
  const own = { blockTable, seqUsedK, format, ...(formatV && { formatV }), headDim, headDimV };
  checkSame(fn, own, options);
  const all = { ...options, ...own, cuSeqlensQ, maxSeqlenK } as VarlenOptions;
  const hooks = view.window === undefined ? given : heldHooks(fn, view, options, given);
  const call = varlenCall(fn, q, k, v, all, hooks);
  if (pageSize !== call.pageSize) {
    const rule = `view.pageSize must be the second dimension of view.k, ${call.pageSize}`;
    fail(fn, rule, show(pageSize), 'Pass the view as the cache made it.');
  }
  if (view.sharedKv && !isColumnsOf(v, k)) {
    const rule = 'with sharedKv, view.v must be the first columns of view.k';
    fail(fn, rule, 'another tensor', 'Pass the view as the cache made it.');
  }
  checkRows(fn, view, call);
  return { ...call, view };
}

/** Checks that options which the view sets as well are either absent or equal to the view's. */
function checkSame(fn: string, own: Partial<ViewOptions>, options: ViewOptions): void {
  for (const name of Object.keys(own) as (keyof ViewOptions)[]) {
    const given = options[name];
    if (given === undefined || given === own[name]) continue;
    const fix = 'Leave it out: the view has it.';
    fail(fn, `${name} must be that of the view, ${show(own[name])}`, show(given), fix);
  }
}

/** Returns the hooks of a call over a windowed cache. They mask the released keys, which read as zeros. */
function heldHooks(
  fn: string,
  { window: held = 0, sinkTokens = 0 }: PagedKvView,
  options: ViewOptions,
  given: readonly BoundHook[] | undefined,
): readonly BoundHook[] {
  const { window, align = 'end' } = options;
  const hidden = boundHeld(held, sinkTokens);
  if (given) return [...given, hidden];
  const left = Array.isArray(window) ? (window as readonly number[])[0]! : undefined;
  if (left !== undefined && !(left >= 0 && left <= held)) {
    const rule = `keys more than ${held} before a query may have been released from this view`;
    const fix = `Leave window out for the cache's, or pass [${held}, -1] or less.`;
    fail(fn, rule, `window [${window!.join(', ')}]`, fix);
  }
  if (align === 'start') return [...optionHooks(options), hidden];
  // The `window` option already masks the released keys, and its kernel is shared with calls without a view.
  if (left !== undefined) return optionHooks(options);
  return sinkTokens > 0
    ? [...optionHooks(options), hidden]
    : optionHooks({ ...options, window: [held, -1] });
}

/** Refuses query rows of earlier appends: keys in their window may have been released since. */
function checkRows(fn: string, view: PagedKvView, { given, pageSize }: Call): void {
  const { window, sinkTokens = 0 } = view;
  if (window === undefined || view.cuSeqlensQ === undefined) return;
  const [appended, rows, used] = [view.cuSeqlensQ, given.cuQ, given.used].map(knownList);
  if (!appended || !rows || !used) return;
  const sinks = Math.ceil(sinkTokens / pageSize);
  used.forEach((length, b) => {
    const last = appended[b + 1]! - appended[b]!;
    const got = rows[b + 1]! - rows[b]!;
    if (got <= last || Math.floor((length - last - window) / pageSize) <= sinks) return;
    const rule = `sequence ${b} may have at most the ${last} query rows of its last append, since keys that earlier ones saw are released`;
    fail(fn, rule, `${got} by cuSeqlensQ`, 'Attend to rows when they are appended.');
  });
}
