import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { AttentionOptions, VarlenLayout, VarlenOptions } from '../host/attention-options.ts';

/** What a variant of attention has hooks of its own for. */
type VariantOption = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/** What is asked of the result. */
type ResultOption = 'returnLse' | 'out';

/** Built-in variants, which a scoreMod and a maskMod replace in flexAttention(). */
export const variantNames: NamesOf<Pick<AttentionOptions, VariantOption>> = {
  causal: 1,
  window: 1,
  softcap: 1,
  alibiSlopes: 1,
};

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
  ...variantNames,
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

/** What other libraries call the options of an attention, in small letters without _ and -. */
export const synonyms = {
  iscausal: 'causal',
  causalmask: 'causal',
  windowsize: 'window',
  slidingwindow: 'window',
  localwindowsize: 'window',
  softmaxscale: 'scale',
  smscale: 'scale',
  logitcap: 'softcap',
  logitssoftcap: 'softcap',
  attnlogitsoftcapping: 'softcap',
  alibi: 'alibiSlopes',
  slopes: 'alibiSlopes',
  attentionsinks: 'sinks',
  learnablesink: 'sinks',
  saux: 'sinks',
  returnsoftmaxlse: 'returnLse',
  returnattnprobs: 'returnLse',
  output: 'out',
  splits: 'numSplits',
  numsplitkv: 'numSplits',
  culens: 'cuSeqlensQ',
  cuseqlens: 'cuSeqlensQ',
  seqlens: 'cuSeqlensQ',
  pagetable: 'blockTable',
  cacheseqlens: 'seqUsedK',
  seqlenk: 'seqUsedK',
  seqlensk: 'seqUsedK',
  kvlens: 'seqUsedK',
  kvseqlen: 'seqUsedK',
  keyvalueseqlengths: 'seqUsedK',
  mask: 'maskMod',
  attnmask: 'maskMod',
  attentionmask: 'maskMod',
  bias: 'scoreMod',
  attnbias: 'scoreMod',
};

const flexOnly = { scoreMod: 1, maskMod: 1, blockMask: 1, captures: 1, grads: 1 };

/** Of functions without a scoreMod and a maskMod. */
export const meantHere: Meant = () => ({
  ...synonyms,
  enablegqa: 'No flag is needed: pass k and v with fewer heads.',
  ...optionsOf('flexAttention() of @heed/flex', flexOnly),
});

/** Of functions over dense tensors. */
export const meantDense: Meant = () => ({
  ...meantHere(),
  ...optionsOf('varlenAttention()', layoutNames),
});
