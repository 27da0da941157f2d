import type { Tensor } from '@heed/core';
import { MADE_WORDS, type ParamValues } from '@heed/kernels-wgsl/variant';
import type { BlockProblem } from './block-problem.ts';

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
interface PlaneStrides {
  readonly batch: number;
  readonly head: number;
  readonly row: number;
}

function planeStrides({ batch, heads, rows, words }: BlockLayout): PlaneStrides {
  return {
    batch: batch > 1 ? heads * rows * words : 0,
    head: heads > 1 ? rows * words : 0,
    row: words,
  };
}

/** A part of the planes: all, or a slice. Strides are in words, 0 where one batch entry or head serves all. */
export interface BlockView {
  readonly words: Tensor;
  readonly batch: number;
  readonly heads: number;
  readonly rows: number;
  readonly columns: number;
  readonly strides: PlaneStrides;
  /** Where each plane begins, in words. */
  readonly some: number;
  readonly full: number;
  /** Where the numbers of columns begin, and how far those of two batch entries are apart. */
  readonly extent: number;
  readonly extentBatch: number;
  /** Where it says what each sequence's blocks were made for; undefined where the host compares all there is. */
  readonly made: number | undefined;
}

export function wholeView(words: Tensor, problem: BlockProblem, layout: BlockLayout): BlockView {
  const { rows, columns, plane } = layout;
  return {
    words,
    batch: problem.lengths === 'dense' ? problem.batch : 1,
    heads: problem.heads,
    rows,
    columns,
    strides: planeStrides(layout),
    some: 0,
    full: plane,
    extent: 2 * plane,
    extentBatch: layout.batch > 1 ? rows : 0,
    made: layout.made > 0 ? 2 * plane + layout.batch * rows : undefined,
  };
}

/** The entries from `start` to before `end` along batch (0), head (1) or rows of blocks (2). */
export function sliceView(view: BlockView, axis: 0 | 1 | 2, start: number, end: number): BlockView {
  const { strides, some, full, extent, extentBatch, made } = view;
  const stride = [strides.batch, strides.head, strides.row][axis]!;
  const extents = [extentBatch, 0, 1][axis]!;
  return {
    ...view,
    [(['batch', 'heads', 'rows'] as const)[axis]]: end - start,
    some: some + start * stride,
    full: full + start * stride,
    extent: extent + start * extents,
    ...(axis === 0 && made !== undefined && { made: made + start * MADE_WORDS }),
  };
}

// As in the kernels.
const NONE = 0xffffffff;

/** What kernels are told of the planes. */
export function viewValues(
  { strides, some, full, made = NONE }: BlockView,
  blockM: number,
  blockN: number,
): ParamValues {
  return {
    blocks_some: some,
    blocks_full: full,
    blocks_made: made,
    blocks_batch: strides.batch,
    blocks_head: strides.head,
    blocks_row: strides.row,
    block_m: blockM,
    block_n: blockN,
  };
}
