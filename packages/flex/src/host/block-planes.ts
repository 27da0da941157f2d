import type { Tensor } from '@heed/core';
import { MADE_WORDS, type ParamValues } from '@heed/kernels-wgsl/variant';
import type { BlockProblem } from './block-problem.ts';

/**
 * The layout of the blocks in memory: two bit planes, `some` and `full`, each [batch, head, row, word] with 32 columns per
 * word; after them the number of columns of each [batch, row]; and after those, for each sequence, the lengths that its blocks
 * were made for. If the mask does not depend on the batch entry or the head, that axis has size 1.
 */
export interface BlockLayout {
  readonly batch: number;
  readonly heads: number;
  /**
   * Rows of blocks of one head. For packed sequences, the rows of all of them: sequence b starts at row floor(cu[b] / blockM) +
   * b.
   */
  readonly rows: number;
  readonly columns: number;
  /** Words per row. */
  readonly words: number;
  /** Words per plane. */
  readonly plane: number;
  /** The number of sequences whose lengths a later call may change: all that have their own lengths. */
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

/** Strides in words; 0 along an axis of size 1. */
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

/** The planes, or a slice of them. Strides are in words, 0 along an axis of size 1. */
export interface BlockView {
  readonly words: Tensor;
  readonly batch: number;
  readonly heads: number;
  readonly rows: number;
  readonly columns: number;
  readonly strides: PlaneStrides;
  /** The offset of each plane, in words. */
  readonly some: number;
  readonly full: number;
  /** The offset of the numbers of columns, and their stride from one batch entry to the next. */
  readonly extent: number;
  readonly extentBatch: number;
  /** The offset of the lengths that each sequence's blocks were made for; undefined where the host compares all lengths. */
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

/** Returns the entries from `start` to before `end` along batch (0), head (1) or rows of blocks (2). */
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

// The same value as in the kernels.
const NONE = 0xffffffff;

/** Returns the parameters that describe the planes to kernels. */
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
