import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import { layoutNames, resultNames, sharedNames, synonyms } from '@heed/kernels-wgsl/variant';
import type { AttentionOptions, Captures, FlexOptions } from './options.ts';

export const attentionNames: NamesOf<AttentionOptions> = {
  causal: 1,
  window: 1,
  softcap: 1,
  alibiSlopes: 1,
  ...sharedNames,
};

export const flexNames: NamesOf<FlexOptions<Captures>> = {
  scoreMod: 1,
  maskMod: 1,
  blockMask: 1,
  captures: 'data',
  grads: 1,
  ...sharedNames,
  ...layoutNames,
};

/** The result decides these: one tensor, in memory of TensorFlow.js's. */
const meantResults = (): Record<string, string> =>
  optionsOf(
    'the function in heed’s own package, on heedTensor(q), heedTensor(k) and heedTensor(v)',
    resultNames,
  );

export const meantAttention: Meant = () => ({
  ...synonyms,
  ...meantResults(),
  ...optionsOf('flexAttention()', flexNames),
});

export const meantFlex: Meant = () => ({
  ...synonyms,
  ...meantResults(),
  ...optionsOf('attention()', attentionNames),
  causal: 'Pass maskMod: causal from @heed/flex/masks, or call attention().',
});
