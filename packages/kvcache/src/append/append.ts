import type { Tensor } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import type { CacheCore } from '../core.ts';
import { appendRows } from '../kernels/append/append.ts';
import { type KvSequence, statesOf } from '../sequences/sequence.ts';
import { checkApart, checkRows, rowCounts } from './check.ts';
import { checkRotary } from '../kernels/parts/rotary.ts';
import { appendNames, meantAppend } from '../option-names.ts';
import { newPositions } from '../sequences/slots.ts';
import type { AppendOptions } from './options.ts';

/** Writes new rows of several sequences to one layer, and reserves room in all layers when it is the first of a step. */
export function append(
  core: CacheCore,
  layer: number,
  seqs: readonly KvSequence[],
  k: Tensor,
  v: Tensor,
  options: AppendOptions | undefined,
): void {
  const fn = 'cache.append';
  const { gpu, geometry, ledger, pools } = core;
  core.assertUsable(fn);
  const { cuSeqlens, rotary: tables } = readOptions(fn, options, appendNames, meantAppend);
  const states = statesOf(fn, core, seqs);
  const rows = checkRows(fn, core, layer, k, v);
  const counts = rowCounts(fn, rows, states.length, cuSeqlens);
  const rotary = tables && { ...tables, positions: newPositions(states, layer, counts) };
  if (rotary) {
    checkRotary(fn, gpu, rotary, rows, geometry.headDim);
    for (const x of ['cos', 'sin'] as const)
      checkApart(fn, `rotary.${x}`, rotary[x], pools[layer]!);
  }
  const { moves, slots } = ledger.append(fn, layer, states, counts);
  gpu.batch(() => {
    core.move(moves);
    appendRows(gpu, geometry, pools[layer]!, { k, v, slots, ...(rotary && { rotary }) });
  });
  core.events.deliver();
}
