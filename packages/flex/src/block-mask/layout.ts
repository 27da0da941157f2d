import { MADE_WORDS } from '@heed/kernels-wgsl/variant';
import type { BlockProblem } from './problem.ts';

/**
 * Where the blocks lie: two bit planes, `some` and `full`, each [batch, head, row, word] with 32 columns to a word; behind
 * them the number of columns of each [batch, row]; and behind those, of each sequence, what its blocks were made for. Where
 * one batch entry or head serves all, there is one.
 */
export interface BlockLayout {
  readonly batch: number;
  readonly heads: number;
  /** Rows of blocks of one head; of packed sequences, those of all, sequence b from floor(cu[b] / blockM) + b on. */
  readonly rows: number;
  readonly columns: number;
  /** Words of a row. */
  readonly words: number;
  /** Words of a plane. */
  readonly plane: number;
  /** Sequences whose lengths a call may have changed: all that have lengths of their own. */
  readonly made: number;
}

export function blockLayout(
  { lengths, batch, heads, seqlenQ, maxKeys, blockM, blockN, given }: BlockProblem,
  dependsOn: { readonly b: boolean; readonly h: boolean },
): BlockLayout {
  const rows =
    lengths === 'dense' ? Math.ceil(seqlenQ / blockM) : Math.floor(seqlenQ / blockM) + batch + 1;
  const columns = Math.ceil(maxKeys / blockN);
  const words = Math.ceil(columns / 32);
  const sizes = {
    batch: lengths === 'dense' && dependsOn.b ? batch : 1,
    heads: dependsOn.h ? heads : 1,
  };
  const plane = sizes.batch * sizes.heads * rows * words;
  const made = lengths === 'dense' && given.used === undefined ? 0 : batch;
  return { ...sizes, rows, columns, words, plane, made };
}

export function layoutWords({ plane, batch, rows, made }: BlockLayout): number {
  return 2 * plane + batch * rows + made * MADE_WORDS;
}

/** In words; 0 along an axis where one entry serves all. */
export interface PlaneStrides {
  readonly batch: number;
  readonly head: number;
  readonly row: number;
}

export function planeStrides({ batch, heads, rows, words }: BlockLayout): PlaneStrides {
  return {
    batch: batch > 1 ? heads * rows * words : 0,
    head: heads > 1 ? rows * words : 0,
    row: words,
  };
}
