import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import {
  type AttentionOptions,
  attentionOptions,
  type VarlenLayout,
  type VarlenOptions,
} from '../host/attention-options.ts';
import type { AttentionOption } from '../host/options/attention-option.ts';
import type { ResultOption } from '../host/options/results.ts';

/** The options for which a variant of attention has its own hooks. */
type VariantOption = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/** The options that concern the result. */
type ResultName = keyof ResultOption;

/** Names the options that a rule admits. */
function namesWhere(rule: (option: AttentionOption) => unknown): never {
  const admitted = Object.entries(attentionOptions).filter(([, option]) => rule(option));
  return Object.fromEntries(admitted.map(([name]) => [name, 1])) as never;
}

/** Built-in variants, which a scoreMod and a maskMod replace in flexAttention(). */
export const variantNames: NamesOf<Pick<AttentionOptions, VariantOption>> = namesWhere(
  ({ isVariant }) => isVariant,
);

/** The options of every attention. */
export const sharedNames: NamesOf<Omit<AttentionOptions, VariantOption | ResultName>> = namesWhere(
  ({ isVariant, isResult }) => !isVariant && !isResult,
);

/** The options that concern the result. */
export const resultNames: NamesOf<Pick<AttentionOptions, ResultName>> = namesWhere(
  ({ isResult }) => isResult,
);

export const attentionNames: NamesOf<AttentionOptions> = namesWhere(() => true);

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
