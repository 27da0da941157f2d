import type { NamesOf } from '@heed/core/kernel';
import type { AttentionOptions, VarlenLayout, VarlenOptions } from './options.ts';

/** What a variant of attention has hooks of its own for. */
type VariantOption = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/** What is asked of the result. */
type ResultOption = 'returnLse' | 'out';

/** Options of every attention. */
export const sharedNames: NamesOf<Omit<AttentionOptions, VariantOption | ResultOption>> = {
  scale: 1,
  align: 1,
  sinks: 1,
  seqUsedK: 1,
  numSplits: 1,
};

/** What is asked of the result, by name. */
export const resultNames: NamesOf<Pick<AttentionOptions, ResultOption>> = {
  returnLse: 1,
  out: 1,
};

export const attentionNames: NamesOf<AttentionOptions> = {
  causal: 1,
  window: 1,
  softcap: 1,
  alibiSlopes: 1,
  ...sharedNames,
  ...resultNames,
};

/** Lengths and tables of packed calls. */
export const layoutNames: NamesOf<VarlenLayout> = {
  cuSeqlensQ: 1,
  cuSeqlensK: 1,
  maxSeqlenQ: 1,
  maxSeqlenK: 1,
  seqUsedK: 1,
  blockTable: 1,
  format: 1,
  headDim: 1,
  headDimV: 1,
};

export const varlenNames: NamesOf<VarlenOptions> = { ...attentionNames, ...layoutNames };
