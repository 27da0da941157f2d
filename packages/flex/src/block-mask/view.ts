import type { Tensor } from '@heed/core';
import { MADE_WORDS, type ParamValues } from '@heed/kernels-wgsl/variant';
import { type BlockLayout, type PlaneStrides, planeStrides } from './layout.ts';
import type { BlockProblem } from './problem.ts';

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
