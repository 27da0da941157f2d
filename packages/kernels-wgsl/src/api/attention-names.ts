import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import {
  type AttentionOptions,
  attentionOptions,
  type VarlenLayout,
  type VarlenOptions,
} from '../host/attention-options.ts';
import type { AttentionOption } from '../host/options/attention-option.ts';
import type { ResultOption } from '../host/options/results.ts';

/** Options that a variant of attention replaces with its own hooks. */
type VariantOption = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/** The options that concern the result. */
type ResultName = keyof ResultOption;

/** Returns the names of the options that satisfy `rule`. */
function namesWhere(rule: (option: AttentionOption) => unknown): never {
  const admitted = Object.entries(attentionOptions).filter(([, option]) => rule(option));
  return Object.fromEntries(admitted.map(([name, { names }]) => [name, names ?? 1])) as never;
}

/** Options of the built-in variants; flexAttention() has scoreMod and maskMod instead. */
export const variantNames: NamesOf<Pick<AttentionOptions, VariantOption>> = namesWhere(
  ({ isVariant }) => isVariant,
);

/** Options that every attention function accepts. */
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
  formatV: 1,
  headDim: 1,
  headDimV: 1,
};

export const varlenNames: NamesOf<VarlenOptions> = { ...attentionNames, ...layoutNames };

/** Maps other libraries' option names (lower case, without _ and -) to the names used here. */
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
  indices: 'selectedKeys',
  topkindices: 'selectedKeys',
  selectedindices: 'selectedKeys',
  blockindices: 'selectedKeys',
  selectedblocks: 'selectedKeys',
  dropoutp: 'dropout',
  dropoutrate: 'dropout',
  pdropout: 'dropout',
  attndropout: 'dropout',
  attentiondropout: 'dropout',
  mask: 'maskMod',
  attnmask: 'maskMod',
  attentionmask: 'maskMod',
  bias: 'scoreMod',
  attnbias: 'scoreMod',
};

const flexOnly = { scoreMod: 1, maskMod: 1, blockMask: 1, captures: 1, grads: 1 };

/** Suggestions for unknown options of functions that have no scoreMod and no maskMod. */
export const meantHere: Meant = () => ({
  ...synonyms,
  enablegqa: 'No flag is needed: pass k and v with fewer heads.',
  ...optionsOf('flexAttention() of @heed/flex', flexOnly),
});

/** Suggestions for unknown options of functions over dense tensors. */
export const meantDense: Meant = () => ({
  ...meantHere(),
  ...optionsOf('varlenAttention()', layoutNames),
});
