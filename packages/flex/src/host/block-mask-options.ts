import type { ReadOptions } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { VarlenLayout } from '@heed/kernels-wgsl';
import { layoutNames } from '@heed/kernels-wgsl/variant';
import type { Captures, MaskMod } from '../text/compile/mod-types.ts';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';

/** What a BlockMask is of: sizes, or packed lengths; and what its maskMod reads. */
export interface BlockMaskOptions<C extends Captures = never> extends Partial<VarlenLayout> {
  /** Batch entries; default 1, which serves all. Needed where the mask depends on b. */
  readonly B?: number;
  /** Query heads; default 1, which serves all. Needed where the mask depends on h. */
  readonly H?: number;
  /** Query rows. Of packed tensors: rows in all, needed where `cuSeqlensQ` is on the GPU. */
  readonly Lq?: number;
  /** Keys. Of packed tensors: rows in all; of paged ones: the most of a sequence. Needed where the lengths are on the GPU. */
  readonly Lk?: number;
  /** As in the attention; default 'end'. */
  readonly align?: 'start' | 'end';
  /** Rows and keys of a block, multiples of 32; default 128. */
  readonly blockSize?: number | readonly [q: number, k: number];
  readonly captures?: C;
}

/** Options of any captures, as they are looked at inside. */
export interface AnyBlockMaskOptions extends Omit<BlockMaskOptions, 'captures'> {
  readonly captures?: Captures;
}

/** Of `BlockMask.fromCuSeqlens`. */
export interface DocumentOptions<C extends Captures = never> extends Pick<
  BlockMaskOptions<C>,
  'B' | 'H' | 'blockSize' | 'captures'
> {
  /** What a token sees of its own document; default all of it. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  /** Rows of q and of k; default the last of `cuSeqlens`. Needed where that is on the GPU. */
  readonly L?: number;
}

/** How a mask is drawn. */
export interface PictureOptions extends ReadOptions {
  /** Default 64: a wider mask is scaled down to so many. */
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
