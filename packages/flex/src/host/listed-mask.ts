import type { Gpu, Tensor } from '@heed/core';
import {
  assertUsable,
  bindTensor,
  checkTensor,
  dispatch,
  elementCount,
  formatShape,
  getKernel,
  readOptions,
  threadGrid,
  unscoped,
} from '@heed/core/kernel';
import { fail } from '@heed/kernels-wgsl/variant';
import { bind } from '../text/compile/compose.ts';
import type { Captures, MaskMod } from '../text/compile/mod-types.ts';
import { functionOf } from '../text/compile/precompiled.ts';
import { CLASSES_PER_WORD, listedSource } from '../text/kernels/listed-blocks.wgsl.ts';
import { checkSize } from './block-mask-parts.ts';
import {
  type AnyBlockMaskOptions,
  type BlockListOptions,
  blockListNames,
  type CallerLists,
  callerListNames,
  meantMask,
} from './block-mask-options.ts';
import { type BlockProblem, blockProblem } from './block-problem.ts';

/** The mask's captures, as types of what it sees. */
interface Listed {
  /** [B, H, rows, words]: two bits per block. 0 is in no list, 1 is partial, 2 is full. */
  readonly classes: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly blockM: number;
  readonly blockN: number;
  /** A position minus its row, where that is the same for all sequences. */
  readonly offset?: number;
  readonly batchOf: (b: number) => number;
  readonly headOf: (h: number) => number;
  readonly mask: (...pair: Parameters<MaskMod<never>>) => boolean;
}

/** The lists as a mask. Its bounds look up the block of a tile, so tiles of blocks that no list names are skipped. */
const inLists: MaskMod<Listed> = (b, h, q, kv, c, info) => {
  const row = Math.floor((q - (c.offset ?? info.kvLen - info.qLen)) / c.blockM);
  const column = Math.floor(kv / c.blockN);
  const word = c.classes[c.batchOf(b)]![c.headOf(h)]![row]![column >> 4]!;
  const kind = (word >> (2 * (column & 15))) & 3;
  const isBlock = row < c.rows && column < c.columns;
  return isBlock && (kind === 2 || (kind === 1 && c.mask(b, h, q, kv, c as never, info)));
};

const everywhere = (): boolean => true;
const own = (index: number): number => index;
const shared = (): number => 0;

/** Returns the mask of the caller's own lists, which reads a table with the classes of their blocks. */
export function listedMask<C extends Captures>(
  fn: string,
  gpu: Gpu,
  given: CallerLists,
  o: BlockListOptions<C>,
): { maskMod: Function; options: AnyBlockMaskOptions; owned: Tensor[] } {
  assertUsable(gpu);
  const { partial, full } = checkedLists(
    fn,
    gpu,
    readOptions(fn, given, callerListNames, undefined, 'the lists'),
  );
  const { maskMod, ...rest } = readOptions(
    fn,
    o as BlockListOptions<Captures>,
    blockListNames,
    meantMask,
  );
  const sizes = [partial, ...(full ? [full] : [])].map(({ counts }) => counts.shape);
  const [batch, heads] = [0, 1].map((axis) => Math.max(...sizes.map((shape) => shape[axis]!)));
  const isDense = rest.cuSeqlensQ === undefined;
  const options = {
    ...rest,
    H: rest.H ?? heads!,
    ...(isDense && { B: rest.B ?? batch! }),
  };
  const problem = blockProblem(fn, gpu, options);
  for (const shape of sizes) checkFit(fn, shape, problem);
  const { blockM, blockN, align, seqlenQ, seqlenK, maxKeys } = problem;
  const [rows, columns] = [sizes[0]![2]!, Math.ceil(maxKeys / blockN)];
  const classes = classTable(fn, gpu, [batch!, heads!, rows, columns], partial, full);
  const isFixed = isDense && problem.given.used === undefined;
  const offset = align === 'start' ? 0 : isFixed ? seqlenK - seqlenQ : undefined;
  const listed = bind(inLists as MaskMod<never>, {
    classes,
    rows,
    columns,
    blockM,
    blockN,
    ...(offset !== undefined && { offset }),
    batchOf: batch === 1 ? shared : own,
    headOf: heads === 1 ? shared : own,
    mask: maskMod === undefined ? everywhere : functionOf(fn, maskMod),
  });
  return { maskMod: listed, options, owned: [classes] };
}

/** The lists of one class of blocks. */
interface ClassLists {
  /** [B, H, rows] */
  readonly counts: Tensor;
  /** [B, H, rows, entries] */
  readonly indices: Tensor;
}

function checkedLists(
  fn: string,
  gpu: Gpu,
  lists: CallerLists,
): { partial: ClassLists; full: ClassLists | undefined } {
  const { kvNumBlocks, kvIndices, fullKvNumBlocks, fullKvIndices } = lists;
  const checked = (prefix: 'kv' | 'fullKv', counts: unknown, indices: unknown): ClassLists => {
    const [count, index] = [`${prefix}NumBlocks`, `${prefix}Indices`];
    const pair = {
      counts: checkTensor(fn, count, counts, { rank: 3, dtype: ['i32'], gpu }),
      indices: checkTensor(fn, index, indices, { rank: 4, dtype: ['i32'], gpu }),
    };
    const shape = pair.counts.shape;
    if (pair.indices.shape.slice(0, 3).every((size, i) => size === shape[i])) return pair;
    const rule = `${index} must have the shape of ${count}, ${formatShape(shape)}, and an axis of entries`;
    return fail(fn, rule, formatShape(pair.indices.shape), 'Pass a list for each row of blocks.');
  };
  const partial = checked('kv', kvNumBlocks, kvIndices);
  if (fullKvNumBlocks === undefined && fullKvIndices === undefined) {
    return { partial, full: undefined };
  }
  const full = checked('fullKv', fullKvNumBlocks, fullKvIndices);
  const [rows, fullRows] = [partial, full].map(({ counts }) => counts.shape[2]);
  if (rows !== fullRows) {
    const fix = 'Use 0 for rows without full blocks.';
    fail(fn, `fullKvNumBlocks must have ${rows} rows, like kvNumBlocks`, fullRows!, fix);
  }
  return { partial, full };
}

function checkFit(fn: string, [b, h]: readonly number[], { batch, heads }: BlockProblem): void {
  const must = (axis: string, got: number | undefined, size: number): void => {
    if (got === 1 || got === size) return;
    const fix = 'Lists of size 1 serve all.';
    fail(fn, `the lists must have 1 or ${size} ${axis}`, got!, fix);
  };
  must('batch entries or sequences (B)', b, batch);
  must('heads (H)', h, heads);
}

/** Writes the classes of the blocks on the GPU: the lists may be changed afterwards. */
function classTable(
  fn: string,
  gpu: Gpu,
  [batch, heads, rows, columns]: readonly [number, number, number, number],
  partial: ClassLists,
  full: ClassLists | undefined,
): Tensor {
  const words = Math.ceil(columns / CLASSES_PER_WORD);
  // A table has an element, whatever its sizes.
  const shape = [batch, heads, rows, words].map((size) => Math.max(1, size));
  checkSize(fn, gpu, 4 * elementCount(shape));
  const label = 'heed/listed blocks';
  const classes = unscoped(gpu, () => gpu.empty(shape, { dtype: 'i32', label }));
  const count = batch * heads * rows * words;
  const write = ({ counts, indices }: ClassLists, class_: 1 | 2): void => {
    const [ofCounts, ofIndices] = [bindTensor(counts), bindTensor(indices)];
    const params = Uint32Array.of(
      batch,
      heads,
      rows,
      words,
      ...stridesOf(counts),
      ofCounts.elementOffset,
      ...stridesOf(indices),
      ofIndices.elementOffset,
      indices.strides[3]!,
      indices.shape[3]!,
      columns,
      class_,
    );
    dispatch(gpu, {
      kernel: getKernel(gpu, listedSource),
      buffers: [ofCounts.range, ofIndices.range, bindTensor(classes).range],
      params,
      workgroups: threadGrid(gpu, count),
    });
  };
  if (count > 0) {
    gpu.batch(() => {
      write(partial, 1);
      if (full) write(full, 2);
    });
  }
  return classes;
}

/** Strides of batch, head and row; an axis of size 1 broadcasts. */
const stridesOf = ({ shape, strides }: Tensor): number[] =>
  [0, 1, 2].map((axis) => (shape[axis] === 1 ? 0 : strides[axis]!));
