import type { Tensor as HeedTensor } from '@heed/core';
import type { FlexOptions as HeedFlexOptions, GradOptions, MaskMod, ScoreMod } from '@heed/flex';
import type { AttentionOptions as HeedAttentionOptions } from '@heed/kernels-wgsl';
import type { Tensor } from '@tensorflow/tfjs-core';

type Heed<V> = V extends Tensor ? HeedTensor : V;
type Tf<V> = V extends HeedTensor ? Tensor : V;

/** Options of heed's, with tensors of TensorFlow.js where heed's would stand. */
type OnTf<T> = { [K in keyof T]: Tf<T[K]> };

/** What the result decides here: one tensor, in memory of TensorFlow.js's. */
type Results = 'out' | 'returnLse';

/** What varies in an attention: those of heed's `attention`, with tensors of TensorFlow.js. */
export interface AttentionOptions extends OnTf<Omit<HeedAttentionOptions, Results>> {}

/** Values that the mods read, by name. A tensor of TensorFlow.js gets a gradient; one of heed's does not. */
export type Captures = Record<string, Tensor | HeedTensor | number | boolean | Function>;

/** The captures as heed takes them. */
export type HeedCaptures<C> = { [K in keyof C]: Heed<C[K]> };

type Layout = Omit<HeedFlexOptions, Results | 'scoreMod' | 'maskMod' | 'captures'>;

/** What varies in a flexAttention: those of heed's, with tensors of TensorFlow.js. */
export interface FlexOptions<C extends Captures = {}> extends OnTf<Layout>, GradOptions {
  /** Changes the score of each pair; −Infinity hides it. */
  readonly scoreMod?: ScoreMod<HeedCaptures<C>>;
  /** Says which pairs are visible. */
  readonly maskMod?: MaskMod<HeedCaptures<C>>;
  /** Values that the mods read. Float tensors that the scoreMod reads get gradients; `grads` names some of them. */
  readonly captures?: C;
}
