import type { ReadOptions, Tensor } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { VarlenLayout } from '@heed/kernels-wgsl';
import { layoutNames } from '@heed/kernels-wgsl/variant';
import type { Captures, MaskMod } from '../text/compile/mod-types.ts';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';

/** The problem of a BlockMask: sizes, or packed lengths; and the captures of its maskMod. */
export interface BlockMaskOptions<C extends Captures = never> extends Partial<VarlenLayout> {
  /** The number of batch entries; default 1, which broadcasts. Required if the mask depends on b. */
  readonly B?: number;
  /** The number of query heads; default 1, which broadcasts. Required if the mask depends on h. */
  readonly H?: number;
  /** The number of query rows. For packed tensors, the total, which is required if `cuSeqlensQ` is on the GPU. */
  readonly Lq?: number;
  /**
   * The number of keys. For packed tensors, the total number of rows; for paged ones, the most keys of a sequence. Required if
   * the lengths are on the GPU.
   */
  readonly Lk?: number;
  /** The corner that the diagonal is tied to, as in the attention; default 'end'. */
  readonly align?: 'start' | 'end';
  /** Rows and keys of a block, multiples of 32; default 128. */
  readonly blockSize?: number | readonly [q: number, k: number];
  readonly captures?: C;
}

/** Options whose captures have any types, for use inside the package. */
export interface AnyBlockMaskOptions extends Omit<BlockMaskOptions, 'captures'> {
  readonly captures?: Captures;
}

/** Options of `BlockMask.fromCuSeqlens`. */
export interface DocumentOptions<C extends Captures = never> extends Pick<
  BlockMaskOptions<C>,
  'B' | 'H' | 'blockSize' | 'captures'
> {
  /** The pairs that are visible within a document; default all. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  /** Rows of q and of k; default the last entry of `cuSeqlens`. Required if `cuSeqlens` is on the GPU. */
  readonly L?: number;
}

/** The lists of `BlockMask.fromBlocks`, as in PyTorch: i32 tensors of any strides. An axis of size 1 broadcasts. */
export interface CallerLists {
  /** How many partial blocks a row of blocks has: [B, H, rows]. In packed problems, B is the number of sequences. */
  readonly kvNumBlocks: Tensor;
  /**
   * Which columns they are in, in any order: [B, H, rows, entries]. Entries after the first `kvNumBlocks` are ignored, and so are
   * columns that there are not.
   */
  readonly kvIndices: Tensor;
  /** How many full blocks a row has: [B, H, rows]; default none. `maskMod` is not asked in them. */
  readonly fullKvNumBlocks?: Tensor;
  /** Which columns they are in: [B, H, rows, entries]. */
  readonly fullKvIndices?: Tensor;
}

/** Options of `BlockMask.fromBlocks`. */
export interface BlockListOptions<C extends Captures = never> extends BlockMaskOptions<C> {
  /** The pairs that are visible in partial blocks; default all. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
}

/** Options of `BlockMask.toText`. */
export interface PictureOptions extends ReadOptions {
  /** The most columns of the picture; a wider mask is scaled down. Default 64. */
  readonly maxColumns?: number;
}

const sharedNames = { B: 1, H: 1, blockSize: 1, captures: 'data' } as const;

export const blockMaskNames: NamesOf<AnyBlockMaskOptions> = {
  ...sharedNames,
  Lq: 1,
  Lk: 1,
  align: 1,
  ...layoutNames,
};

export const documentNames: NamesOf<DocumentOptions<Captures>> = {
  ...sharedNames,
  maskMod: 1,
  L: 1,
};

export const callerListNames: NamesOf<CallerLists> = {
  kvNumBlocks: 1,
  kvIndices: 1,
  fullKvNumBlocks: 1,
  fullKvIndices: 1,
};

export const blockListNames: NamesOf<BlockListOptions<Captures>> = {
  ...blockMaskNames,
  maskMod: 1,
};

export const readNames: NamesOf<ReadOptions> = { signal: 1 };

export const pictureNames: NamesOf<PictureOptions> = { ...readNames, maxColumns: 1 };

export const meantMask: Meant = () => ({
  qlen: 'Lq',
  seqlenq: 'Lq',
  kvlen: 'Lk',
  klen: 'Lk',
  seqlenk: 'Lk',
  batch: 'B',
  heads: 'H',
  length: 'L',
  q: 'Lq',
  k: 'Lk',
  ...optionsOf('BlockMask.fromCuSeqlens()', { L: 1, maskMod: 1 }),
  ...optionsOf('createBlockMask()', { Lq: 1, Lk: 1, align: 1, ...layoutNames }),
});
