import { type Meant, optionsOf } from '@heed/core/kernel';
import { layoutNames } from './option-names.ts';

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
