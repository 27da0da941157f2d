import type { Tensor } from '@heed/core';
import {
  checkNarrow,
  checkTensor,
  fail,
  floatTypes,
  isColumnsOf,
  type Meant,
  type NamesOf,
  readOptions,
  show,
} from '@heed/core/kernel';
import { appendRows } from '../kernels/append-rows.ts';
import { checkBindable } from '../kernels/bound-operands.ts';
import type { Pool } from '../kernels/page-pools.ts';
import { checkRotary, type Rotary, rotaryNames, type RotaryTables } from '../kernels/rotary.ts';
import { newPositions } from '../sequences/sequence-state.ts';
import type { CacheCore } from './cache-core.ts';
import { type KvSequence, statesOf } from './kv-sequence.ts';

/** Angles for the keys of an append, and where the keys are. */
export interface AppendRotary extends RotaryTables {
  /**
   * [T], 0 to maxPosition − 1, such as the depths of a tree. Default: consecutive, from each sequence's `nextPosition` on, which counts
   * rows whatever positions are given. Pages are named by tokens alone: before rows at other positions are committed, the salt must
   * say what these depend on.
   */
  readonly positions?: Int32Array | BigInt64Array;
}

/** Layout of new rows, and the rotation of their keys. */
export interface AppendOptions {
  /** `[N + 1]`: 0, then the end of each sequence's rows; the last is T. Default: all sequences have the same number. */
  readonly cuSeqlens?: Int32Array | BigInt64Array;
  /**
   * Rotates the new keys by their positions before they are stored (and quantised), in f32 and in the same dispatch; `rotate`
   * rotates queries. Positions beyond the tables are a ValidationError.
   */
  readonly rotary?: AppendRotary;
}

export const appendNames: NamesOf<AppendOptions> = { cuSeqlens: 1, rotary: rotaryNames };

const meantAppend: Meant = () => ({
  cuseqlensq: 'cuSeqlens',
  cuseqlensk: 'cuSeqlens',
  culens: 'cuSeqlens',
  seqlens: 'cuSeqlens',
  lengths: 'cuSeqlens',
  rope: 'rotary',
  cos: 'Pass rotary: { cos, sin }.',
  sin: 'Pass rotary: { cos, sin }.',
  positions: 'Pass rotary: { cos, sin, positions }.',
});

/** Writes new rows of several sequences to one layer. The first append of a step reserves pages in all layers. */
export function append(
  core: CacheCore,
  layer: number,
  seqs: readonly KvSequence[],
  k: Tensor,
  v: Tensor | undefined,
  options: AppendOptions | undefined,
): void {
  const fn = 'cache.append';
  const { gpu, ledger } = core;
  core.assertUsable(fn);
  const { cuSeqlens, rotary: tables } = readOptions(fn, options, appendNames, meantAppend);
  const states = statesOf(fn, core, seqs);
  checkStores(fn, core, layer);
  const index = core.layerIndex(fn, layer);
  const { geometry } = core.layout.places[index]!.group;
  const pool = core.pools[index]!;
  const rows = checkRows(fn, core, index, k, v);
  const counts = rowCounts(fn, rows, states.length, cuSeqlens);
  const rotary = tables && withPositions(fn, tables, () => newPositions(states, index, counts));
  if (rotary && geometry.sharedKv) {
    const fix = 'Rotate the other columns before they are appended, with rotate().';
    fail(fn, 'rotary would turn values too, which are the first columns of k', 'sharedKv', fix);
  }
  if (rotary) {
    checkRotary(fn, gpu, rotary, rows, geometry.headDim);
    for (const x of ['cos', 'sin'] as const) checkApart(fn, `rotary.${x}`, rotary[x], pool);
  }
  const { moves, slots } = ledger.append(fn, index, states, counts);
  gpu.batch(() => {
    core.move(moves);
    appendRows(gpu, geometry, pool, { k, v, slots, ...(rotary && { rotary }) });
  });
  core.events.deliver();
}

/** Returns a rotary with the positions that were given, which must be a list on the host, or else with the next ones. */
function withPositions(fn: string, given: AppendRotary, next: () => Int32Array): Rotary {
  const { positions = next(), ...tables } = given;
  if (positions instanceof Int32Array || positions instanceof BigInt64Array) {
    return { ...tables, positions };
  }
  return fail(
    fn,
    'rotary.positions must be an Int32Array',
    show(positions),
    'Pass one position per row, or leave it out.',
  );
}

/** Throws for a layer that reads another's pages. */
function checkStores(fn: string, { reads }: CacheCore, layer: number): void {
  const read = reads.get(layer);
  if (read === undefined) return;
  const fix = `Append to layer ${read} only.`;
  fail(fn, `layer ${layer} must store pages`, `one that reads those of layer ${read}`, fix);
}

/**
 * Checks the rows of an append: k [T, Hkv, D] and v [T, Hkv, Dv]. Returns T.
 * @param layer counted through all groups
 */
function checkRows(
  fn: string,
  core: CacheCore,
  layer: number,
  k: Tensor,
  v: Tensor | undefined,
): number {
  const { gpu, layout } = core;
  const { kvHeads, headDim, headDimV, sharedKv } = layout.places[layer]!.group.geometry;
  checkTensor(fn, 'k', k, { rank: 3, dtype: floatTypes, gpu });
  if (!sharedKv || v !== undefined) checkTensor(fn, 'v', v, { rank: 3, dtype: floatTypes, gpu });
  const rows = k.shape[0]!;
  const tensors = [['k', k] as const, ...(v ? [['v', v] as const] : [])];
  const wanted = { k: [rows, kvHeads, headDim], v: [rows, kvHeads, headDimV] };
  for (const [name, { shape }] of tensors) {
    if (shape.every((size, i) => size === wanted[name][i])) continue;
    const rule = `${name} must have shape [T, Hkv, D] = [${wanted[name].join(', ')}], T being k's`;
    fail(fn, rule, `[${shape.join(', ')}]`, 'Pass packed rows, grouped by sequence.');
  }
  if (sharedKv && v && !isColumnsOf(v, k)) {
    const rule = 'this layer has sharedKv: v is the first columns of k';
    fail(fn, rule, 'another tensor', 'Leave v out, or pass k.slice(-1, 0, headDimV).');
  }
  for (const [name, tensor] of tensors) {
    checkBindable(fn, name, tensor);
    checkApart(fn, name, tensor, core.pools[layer]!);
  }
  return rows;
}

/** Throws for a tensor in the pool's buffers: a dispatch cannot read and write one buffer, not even in different ranges. */
function checkApart(fn: string, name: string, t: Tensor, pool: Pool): void {
  if (t.buffer !== pool.k.buffer && t.buffer !== pool.v.buffer) return;
  fail(
    fn,
    `${name} must not lie in the cache's own memory`,
    `a view of "${t.label}"`,
    'Copy it, or fork its sequence.',
  );
}

/** Returns how many of `rows` packed rows each of `count` sequences gets. Without `cuSeqlens`, all get the same number. */
function rowCounts(
  fn: string,
  rows: number,
  count: number,
  cuSeqlens: Int32Array | BigInt64Array | undefined,
): Int32Array {
  if (cuSeqlens === undefined) {
    if (count === 0 ? rows > 0 : rows % count !== 0) {
      const rule = `without cuSeqlens the rows must divide evenly among ${count} sequences`;
      fail(fn, rule, `${rows} rows`, 'Pass cuSeqlens: 0, then the end of each sequence.');
    }
    return new Int32Array(count).fill(count === 0 ? 0 : rows / count);
  }
  checkNarrow(fn, 'cuSeqlens', cuSeqlens);
  if (!(cuSeqlens instanceof Int32Array) || cuSeqlens.length !== count + 1) {
    const got = cuSeqlens instanceof Int32Array ? `${cuSeqlens.length} entries` : show(cuSeqlens);
    fail(fn, `cuSeqlens must be an Int32Array of ${count + 1} entries`, got, 'Pass [0, end, …].');
  }
  if (cuSeqlens[0] !== 0 || cuSeqlens[count] !== rows) {
    const got = `${cuSeqlens[0]} and ${cuSeqlens[count]}`;
    fail(
      fn,
      `cuSeqlens must start with 0 and end with ${rows}, the rows of k`,
      got,
      'Pass all rows.',
    );
  }
  return cuSeqlens.subarray(1).map((end, i) => {
    if (end >= cuSeqlens[i]!) return end - cuSeqlens[i]!;
    fail(fn, 'cuSeqlens must not decrease', `${cuSeqlens[i]} then ${end}`, 'Sort out the lengths.');
  });
}
