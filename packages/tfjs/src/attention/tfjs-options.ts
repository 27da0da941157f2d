import type { Tensor as HeedTensor } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { FlexOptions as HeedFlexOptions, GradOptions, MaskMod, ScoreMod } from '@heed/flex';
import type { AttentionOptions as HeedAttentionOptions } from '@heed/kernels-wgsl';
import {
  layoutNames,
  resultNames,
  sharedNames,
  synonyms,
  variantNames,
} from '@heed/kernels-wgsl/variant';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Options of heed, with tensors of TensorFlow.js in place of heed's. */
export type OnTf<T> = {
  [K in keyof T]: T[K] extends infer V ? (V extends HeedTensor ? Tensor : V) : never;
};

/** Options of heed's `attention`, with tensors of TensorFlow.js. The result is always one new tensor of TensorFlow.js. */
export interface AttentionOptions extends OnTf<
  Omit<HeedAttentionOptions, keyof typeof resultNames>
> {}

/** Values that the mods read, by name. A tensor of TensorFlow.js has a gradient; a tensor of heed has none. */
export type Captures = Record<string, Tensor | HeedTensor | number | boolean | Function>;

/** The captures as heed takes them. */
export type HeedCaptures<C> = {
  [K in keyof C]: C[K] extends infer V ? (V extends Tensor ? HeedTensor : V) : never;
};

/** Options of heed's `flexAttention`, with tensors of TensorFlow.js. The result is always one new tensor of TensorFlow.js. */
export interface FlexOptions<C extends Captures = {}>
  extends
    OnTf<Omit<HeedFlexOptions, keyof typeof resultNames | 'scoreMod' | 'maskMod' | 'captures'>>,
    GradOptions {
  /** Changes the score of each pair; −Infinity hides the pair. */
  readonly scoreMod?: ScoreMod<HeedCaptures<C>>;
  /** Returns which pairs are visible. */
  readonly maskMod?: MaskMod<HeedCaptures<C>>;
  /** Values that the mods read. Float tensors that the scoreMod reads have gradients; `grads` selects some of them. */
  readonly captures?: C;
}

export const attentionNames: NamesOf<AttentionOptions> = { ...variantNames, ...sharedNames };

export const flexNames: NamesOf<FlexOptions<Captures>> = {
  scoreMod: 1,
  maskMod: 1,
  blockMask: 1,
  captures: 'data',
  grads: 1,
  ...sharedNames,
  ...layoutNames,
};

const meantResults = (): Record<string, string> =>
  optionsOf('the function in heed’s own package, which takes heedTensor(gpu, q)', resultNames);

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
