import type { Gpu } from '@heed/core';
import {
  type BufferRange,
  type KernelSource,
  uploadStorage,
  wgsl,
  WORKGROUP,
} from '@heed/core/kernel';
import { kvRowWords, type PageGeometry } from '../pages/page-geometry.ts';
import { type Pool, wordsOfPage } from './page-pools.ts';
import { editPools, poolSource } from './pool-kernel.ts';

/** Moves on the GPU, for the dispatches of the current batch. */
export interface BoundMoves {
  readonly range: BufferRange;
  readonly count: number;
}

/** Moves of one dispatch: each workgroup goes through all of them, and browsers stop a dispatch that takes seconds. */
const MOST_MOVES = 2 ** 16;

/**
 * Uploads moves [from, to, from, to, …] of slots; slot = page · page size + row in the page. No slot is written twice, and none is
 * read by a move after the one that writes it.
 */
export function bindMoves(gpu: Gpu, slots: Int32Array): BoundMoves[] {
  const parts: BoundMoves[] = [];
  for (let start = 0; start < slots.length; start += 2 * MOST_MOVES) {
    const part = slots.subarray(start, start + 2 * MOST_MOVES);
    parts.push({ range: uploadStorage(gpu, part), count: part.length / 2 });
  }
  return parts;
}

/** Moves the rows of all heads from slot to slot within a pool, bit for bit, as if one move after another. */
export function moveRows(
  gpu: Gpu,
  geometry: PageGeometry,
  pool: Pool,
  moves: readonly BoundMoves[],
): void {
  const { k, v } = kvRowWords(geometry);
  const [kWords, vWords] = [k * geometry.kvHeads, v * geometry.kvHeads];
  const page = wordsOfPage(geometry, pool);
  const threads = Math.ceil(Math.max(kWords, vWords) / COLUMNS) * WORKGROUP;
  for (const { range, count } of moves) {
    editPools('moveRows', gpu, geometry, pool, {
      source: moveSource,
      list: range,
      params: [count, geometry.pageSize, kWords, page.k, vWords, page.v],
      threads,
    });
  }
}

/** Words of a slot that a workgroup moves; its other threads take further rows. */
const COLUMNS = 16;
/** Rows that a thread holds between two barriers. */
const HELD = 4;

// The move that fills a slot may be far from the one that empties it. But no later move reads what an earlier one has written, so
// it is enough that a workgroup, which moves its columns alone, has read the rows of a turn before it writes them.
const movePool = (x: 'k' | 'v'): string => wgsl`
  fn ${x}_start(slot: u32) -> u32 {
    return slot / params.page_size * params.${x}_page + slot % params.page_size * params.${x}_words;
  }

  fn move_${x}(thread: u32) {
    let column = thread / ${WORKGROUP}u * COLUMNS + thread % COLUMNS;
    let is_inside = column < params.${x}_words;
    let row = thread % ${WORKGROUP}u / COLUMNS;
    for (var first = 0u; first < params.moves; first += HELD * ROWS) {
      var held = array<u32, HELD>();
      for (var i = 0u; i < HELD; i++) {
        let at = first + i * ROWS + row;
        if (is_inside & (at < params.moves)) {
          held[i] = ${x}_pool[${x}_start(moves[at].x) + column];
        }
      }
      storageBarrier();
      for (var i = 0u; i < HELD; i++) {
        let at = first + i * ROWS + row;
        if (is_inside & (at < params.moves)) {
          ${x}_pool[${x}_start(moves[at].y) + column] = held[i];
        }
      }
    }
  }
`;

/** Moves rows within a pool: a workgroup for some words of the slots, over all moves in order. */
export const moveSource: KernelSource = poolSource({
  label: 'heed/move rows',
  list: 'moves: array<vec2<u32>>',
  fields: wgsl`
    moves: u32,
    page_size: u32,
    // Words of a slot, and from a page to the next.
    k_words: u32,
    k_page: u32,
    v_words: u32,
    v_page: u32,
  `,
  constants: wgsl`
    const COLUMNS = ${COLUMNS}u;
    const ROWS = ${WORKGROUP / COLUMNS}u;
    const HELD = ${HELD}u;
  `,
  verb: 'move',
  pool: movePool,
});
