import { type Gpu, type ReadOptions, type Tensor, UnsupportedError } from '@heed/core';
import { readOptions, scoped, unscoped } from '@heed/core/kernel';
import { fail, type GivenLengths, show } from '@heed/kernels-wgsl/variant';
import { type BlockLists, blockLists, type ListKind } from '../host/block-lists.ts';
import {
  type AnyBlockMaskOptions,
  type BlockListOptions,
  blockMaskNames,
  type BlockMaskOptions,
  type CallerLists,
  type DocumentOptions,
  meantMask,
  pictureNames,
  type PictureOptions,
  readNames,
} from '../host/block-mask-options.ts';
import {
  type BlockMaskParts,
  buildBlockMask,
  partsOf,
  setParts,
} from '../host/block-mask-parts.ts';
import { sliceView } from '../host/block-planes.ts';
import { type BlockClasses, picture, readBlocks } from '../host/block-readback.ts';
import { compileFor } from '../host/compiled-hook.ts';
import { documentMask } from '../host/document-mask.ts';
import { listedMask } from '../host/listed-mask.ts';
import { shifted } from '../host/shifted-mask.ts';
import { toMaskHook } from '../text/compile/compiled-mod.ts';
import { explainMod } from '../text/compile/explain.ts';
import type { Captures, MaskMod, NeedsCaptures } from '../text/compile/mod-types.ts';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';
import { inputsOf } from '../text/ir/traversal.ts';

/**
 * A mask with the class of each of its blocks: whether all, none or some of the block's pairs are visible. Made by
 * `createBlockMask`, `BlockMask.fromCuSeqlens` and `BlockMask.fromBlocks`. It holds its maskMod and captures; captured tensors
 * are not copied.
 *
 * Each block takes two bits on the GPU. The lists have the form of torch's and are made on first use: i32, counts [B, H, rows],
 * indices [B, H, rows, columns] in ascending order, followed by −1; `kv…` by rows, `q…` by columns. Packed sequences follow one
 * another along the rows, with B = 1: sequence b starts at row floor(cuSeqlensQ[b] / blockSize) + b.
 */
export class BlockMask implements Disposable {
  readonly #lists = new Map<string, BlockLists>();

  // Masks are made by `blockMaskOf`, so that the declaration does not contain their parts.
  private constructor() {}

  /**
   * Makes the mask of documents that are packed into one row of dense tensors [B, H, L, D]: a token sees the tokens of its own
   * document that `maskMod`, if given, shows. Rows after the last document see nothing. The host uploads `cuSeqlens` once,
   * O(documents).
   *
   * @param cuSeqlens [documents + 1]: document d is rows cuSeqlens[d] to cuSeqlens[d + 1] − 1
   * @throws as createBlockMask
   * @example
   * const mask = BlockMask.fromCuSeqlens(gpu, Int32Array.of(0, 700, 1024), { maskMod: causal });
   */
  static fromCuSeqlens<C extends Captures = {}>(
    gpu: Gpu,
    cuSeqlens: GivenLengths,
    o?: DocumentOptions<C>,
  ): BlockMask {
    const fn = 'BlockMask.fromCuSeqlens';
    return ownedMask(fn, gpu, documentMask(fn, gpu, cuSeqlens, o));
  }

  /**
   * Makes a mask of the caller's own lists, as in PyTorch. A pair is visible in a block that a list names: in the full ones
   * always, in the partial ones where `maskMod` shows it. A block in both lists is full; rows of blocks that the lists do not
   * have see nothing. Lengths still apply, and a maskMod that is given beside the mask. The lists are read once, on the GPU.
   *
   * The mask's own lists hold what attention computes: a partial block that `maskMod` shows or hides as a whole is full or in
   * none of them.
   *
   * @param lists i32 tensors, counts [B, H, rows] and columns [B, H, rows, entries]; sizes 1 of B and H broadcast. Rows and
   *   columns count within each sequence where lengths are packed, and B is the number of sequences
   * @param o the problem, as for `createBlockMask`; B and H default to those of the lists
   * @throws ValidationError the lists do not fit one another or the problem
   * @throws LimitError the blocks do not fit one binding
   * @example
   * const kvNumBlocks = gpu.tensor([1, 1], { shape: [1, 1, 2], dtype: 'i32' });
   * const kvIndices = gpu.tensor([0, 1], { shape: [1, 1, 2, 1], dtype: 'i32' });
   * const fullKvNumBlocks = gpu.tensor([0, 1], { shape: [1, 1, 2], dtype: 'i32' });
   * const fullKvIndices = gpu.tensor([-1, 0], { shape: [1, 1, 2, 1], dtype: 'i32' });
   * const lists = { kvNumBlocks, kvIndices, fullKvNumBlocks, fullKvIndices };
   * const mask = BlockMask.fromBlocks(gpu, lists, { Lq: 256, Lk: 256, maskMod: causal });
   */
  static fromBlocks<C extends Captures = {}>(
    gpu: Gpu,
    lists: CallerLists,
    o: BlockListOptions<C>,
  ): BlockMask {
    const fn = 'BlockMask.fromBlocks';
    return ownedMask(fn, gpu, listedMask(fn, gpu, lists, o));
  }

  /** Rows and keys per block. */
  get blockSize(): readonly [q: number, k: number] {
    const { blockM, blockN } = partsOf(this).problem;
    return [blockM, blockN];
  }

  /** [B, H, rows of blocks, columns of blocks] */
  get shape(): readonly number[] {
    const { batch, heads, rows, columns } = partsOf(this).view;
    return [batch, heads, rows, columns];
  }

  /** The number of partial blocks per row: the mask is evaluated for each of their pairs. */
  get kvNumBlocks(): Tensor {
    return this.#list({ isFull: false, transposed: false }).counts;
  }

  get kvIndices(): Tensor {
    return this.#list({ isFull: false, transposed: false }).indices;
  }

  /** The number of full blocks per row: all their pairs are visible. */
  get fullKvNumBlocks(): Tensor {
    return this.#list({ isFull: true, transposed: false }).counts;
  }

  get fullKvIndices(): Tensor {
    return this.#list({ isFull: true, transposed: false }).indices;
  }

  get qNumBlocks(): Tensor {
    return this.#list({ isFull: false, transposed: true }).counts;
  }

  get qIndices(): Tensor {
    return this.#list({ isFull: false, transposed: true }).indices;
  }

  get fullQNumBlocks(): Tensor {
    return this.#list({ isFull: true, transposed: true }).counts;
  }

  get fullQIndices(): Tensor {
    return this.#list({ isFull: true, transposed: true }).indices;
  }

  /** Returns the share of blocks that attention skips, from 0 to 1. */
  async sparsity(o?: ReadOptions): Promise<number> {
    const options = readOptions('BlockMask.sparsity', o, readNames);
    const { total, visited } = await this.toDense(options);
    return total === 0 ? 0 : 1 - visited / total;
  }

  /** Describes the mask for people, like `explain()` of compileMod: whether it prunes, and which expressions prevent it. */
  explain(): string {
    const { mod, resolution } = partsOf(this).compiled;
    return explainMod(mod, toMaskHook(mod, 'mod'), resolution);
  }

  /**
   * Returns the class of every block: 0 empty, 1 partial, 2 full.
   * @throws LimitError (as a rejection) more than 2²⁸ blocks
   */
  async toDense(o?: ReadOptions): Promise<BlockClasses> {
    return readBlocks(partsOf(this).view, readOptions('BlockMask.toDense', o, readNames));
  }

  /**
   * Draws the blocks as text: █ full, ▒ partial, · empty, blank where there is no block; masks of more than `maxColumns` (64)
   * columns are scaled down.
   * @throws ValidationError (as a rejection) `maxColumns` is not a whole number of at least 1
   */
  async toText(o?: PictureOptions): Promise<string> {
    const fn = 'BlockMask.toText';
    const { maxColumns, ...rest } = readOptions(fn, o, pictureNames);
    if (maxColumns !== undefined && !(Number.isSafeInteger(maxColumns) && maxColumns >= 1)) {
      const rule = 'maxColumns must be a whole number from 1 on';
      fail(fn, rule, show(maxColumns), 'Leave it out for 64.');
    }
    return picture(await this.toDense(rest), maxColumns);
  }

  /**
   * Returns a part of the mask, which shares its memory: batch entries (axis 0), heads (axis 1) or rows of blocks (axis 2), for
   * an attention over that part of q. The mask still sees the indices and positions in the whole; `info` describes the part.
   * @throws ValidationError the range exceeds the axis
   * @throws UnsupportedError the sequences are packed, or rows are sliced and the mask reads `info.qLen` or `info.qRow`
   */
  slice(axis: 0 | 1 | 2, start: number, end: number): BlockMask {
    const fn = 'BlockMask.slice';
    const { problem, view, compiled } = partsOf(this);
    if (problem.lengths !== 'dense') {
      throw new UnsupportedError(
        `${fn}: packed sequences cannot be sliced. Make a mask for fewer.`,
      );
    }
    const size = Number.isInteger(axis) ? this.shape[axis] : undefined;
    if (size === undefined || axis > 2)
      fail(fn, 'axis must be 0, 1 or 2', show(axis), 'Keys are not sliced.');
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(end) ||
      start < 0 ||
      end > size ||
      start > end
    ) {
      fail(
        fn,
        `a range of axis ${axis} lies within 0 to ${size}`,
        `${show(start)} to ${show(end)}`,
        'Count blocks, not rows.',
      );
    }
    const inputs = inputsOf(compiled.mod.root);
    if (axis === 2 && (inputs.has('qLen') || inputs.has('qRow'))) {
      throw new UnsupportedError(
        `${fn}: rows of a mask that reads info.qLen or info.qRow cannot be sliced, since info describes the part. Pass these values in captures.`,
      );
    }
    const part = shifted(partsOf(this), axis, start, end);
    return blockMaskOf({
      ...partsOf(this),
      ...part,
      view: sliceView(view, axis, start, end),
      compiled: compileFor(fn, 'block', part.maskMod, part.captures),
      owned: [],
    });
  }

  /** Frees the blocks, also for slices of the mask. Captured tensors stay. */
  dispose(): void {
    for (const { counts, indices } of this.#lists.values()) {
      counts.dispose();
      indices.dispose();
    }
    this.#lists.clear();
    for (const tensor of partsOf(this).owned) tensor.dispose();
  }

  /** Calls `dispose()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #list(kind: ListKind): BlockLists {
    const key = `${kind.isFull} ${kind.transposed}`;
    let lists = this.#lists.get(key);
    if (!lists) {
      const { gpu, view } = partsOf(this);
      lists = unscoped(gpu, () => blockLists(gpu, view, kind));
      this.#lists.set(key, lists);
    }
    return lists;
  }
}

/** Makes a mask that frees the tables that its maskMod reads. */
function ownedMask(
  fn: string,
  gpu: Gpu,
  { maskMod, options, owned }: ReturnType<typeof documentMask>,
): BlockMask {
  try {
    const made = buildBlockMask(fn, gpu, maskMod, options);
    return blockMaskOf({ ...made, owned: [...made.owned, ...owned] });
  } catch (error) {
    for (const tensor of owned) tensor.dispose();
    throw error;
  }
}

/** Makes a mask of its parts. */
function blockMaskOf(made: BlockMaskParts): BlockMask {
  const mask = new (BlockMask as unknown as new () => BlockMask)();
  setParts(mask, made);
  scoped(made.gpu, mask);
  return mask;
}

/**
 * Finds the class of every block of a mask on the GPU, from the mask's interval bounds: one thread per block, two bits each. No
 * array of Lq × Lk exists at any time, and nothing is read back. A block that bounds cannot decide is partial. Rows of blocks
 * count query rows i, columns count keys j; the mask sees q = i + off, as in the attention.
 *
 * @param maskMod (b, h, q, kv, captures, info) => boolean
 * @param o the problem: { Lq, Lk } of dense tensors (with B and H where the mask depends on them), or the lengths of packed or
 *   paged ones. The mask is a snapshot: make a new one for other lengths, which compiles nothing. Attention refuses a stale
 *   mask where the host knows the lengths; where only the GPU knows them, it evaluates maskMod itself for sequences that
 *   changed. Captured tables are not compared: after writing into one, make another mask.
 * @throws CompileError the mask is not in the language
 * @throws ValidationError an option does not fit, or B or H is missing and the mask depends on b or h
 * @throws LimitError the blocks do not fit one binding
 * @example
 * const mask = createBlockMask(gpu, (b, h, q, kv) => q >= kv, { Lq: 4096, Lk: 4096 });
 * console.log(await mask.sparsity()); // 0.484375
 */
export function createBlockMask<C extends Captures = {}>(
  gpu: Gpu,
  maskMod: MaskMod<C> | PrecompiledMod,
  o: BlockMaskOptions<C> & NeedsCaptures<C>,
): BlockMask {
  const fn = 'createBlockMask';
  const options = readOptions(fn, o as AnyBlockMaskOptions, blockMaskNames, meantMask);
  return blockMaskOf(buildBlockMask(fn, gpu, maskMod, options));
}
