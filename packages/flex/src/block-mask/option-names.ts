import type { ReadOptions } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import { layoutNames } from '@heed/kernels-wgsl/variant';
import type { Captures } from '../compile/types.ts';
import type { AnyBlockMaskOptions, DocumentOptions, PictureOptions } from './options.ts';

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
