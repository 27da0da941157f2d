import type { Call } from '../api/call.ts';
import type { Selection } from '../plan/select.ts';
import { CHUNK, THREADS_N } from '../tiles/grid/config.ts';

/** What every kernel of a call is told, forward and backward. */
export function callValues(call: Call): Record<string, number> {
  const { batch, seqlenQ, seqlenK, options } = call;
  return {
    batch,
    group: groupSize(call),
    seqlen_q: seqlenQ,
    seqlen_k: seqlenK,
    table_row: call.maxPages,
    pages: call.pages,
    page_size: call.pageSize,
    align_end: options.align === 'start' ? 0 : 1,
    scale: options.scale ?? 1 / Math.sqrt(call.headDim),
  };
}

/** Query heads of a kv head. */
export function groupSize({ qHeads, kvHeads }: Call): number {
  return kvHeads === 0 ? 1 : qHeads / kvHeads;
}

/**
 * Query tiles of `sequences` packed sequences: each of them, and the rows after the last, may need one tile more than its
 * share. The kernel's `first_tile` numbers them.
 */
export function packedTiles(rows: number, sequences: number, tileM: number): number {
  return Math.floor(rows / tileM) + sequences + 1;
}

type LoopConfig = Pick<Selection['config'], 'headDim' | 'headDimV' | 'tile'>;

/** Loop bounds that a compiler must not know; see wgsl/loop.ts. */
export function loopBounds({ headDim, headDimV, tile }: LoopConfig): Record<string, number> {
  return {
    q_vecs: Math.ceil(headDim / 4),
    v_vecs: Math.ceil(headDimV / 4),
    chunk_vecs: THREADS_N,
    q_chunks: Math.ceil(headDim / CHUNK),
    v_chunks: Math.ceil(headDimV / CHUNK),
    key_turns: tile.path === 'subgroup' ? tile.keysPerLane : 1,
  };
}
