import type { PagedKvView, Tensor } from '@heed/core';
import { varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import type { KvSequence, PagedKvCache } from '../../../src/index.ts';
import { cumulative, lengthOf, type Span, type Toy } from './toy.ts';

/** A sequence in a cache, and all tokens that it stands for. */
export interface Served {
  readonly sequence: KvSequence;
  tokens: number[];
}

export const layers = 2;

type DType = 'f32' | 'f16';

/** What attends: over pages, or over keys and values that lie one behind the other. */
export interface Attention {
  paged(q: Tensor, view: PagedKvView): Tensor;
  packed(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lists: Pick<VarlenOptions, 'cuSeqlensQ' | 'cuSeqlensK'>,
  ): Tensor;
}

/** Attention with options that do not depend on the step. */
export const attentionWith = (options: Omit<VarlenOptions, 'cuSeqlensQ'>): Attention => ({
  paged: (q, view) => varlenAttention(q, view, options).out,
  packed: (q, k, v, lists) => varlenAttention(q, k, v, { ...options, ...lists }).out,
});

export const exactCausal: Attention = attentionWith({ causal: true, numSplits: 1 });

/** Where the next tokens of some sequences go; they are added to what each sequence stands for. */
export function spansOf(served: readonly Served[], news: readonly (readonly number[])[]): Span[] {
  return served.map((one, i): Span => {
    const start = one.sequence.length;
    one.tokens = [...one.tokens.slice(0, start), ...news[i]!];
    return { tokens: one.tokens, start, end: one.tokens.length };
  });
}

/** Appends new tokens to all layers, attends to them, and returns the last layer's output. */
export function step(
  cache: PagedKvCache,
  toy: Toy,
  served: readonly Served[],
  news: readonly (readonly number[])[],
  dtype: DType = 'f32',
  attention: Attention = exactCausal,
): Tensor {
  const spans = spansOf(served, news);
  const sequences = served.map(({ sequence }) => sequence);
  const cuSeqlens = cumulative(spans.map(lengthOf));
  let out: Tensor | undefined;
  for (let layer = 0; layer < layers; layer++) {
    using k = toy.rows('k', layer, spans, dtype);
    using v = toy.rows('v', layer, spans, dtype);
    cache.append(layer, sequences, k, v, { cuSeqlens });
    const view = cache.view(layer, sequences);
    using q = toy.rows('q', layer, spans, dtype);
    out?.dispose();
    out = attention.paged(q, view);
  }
  return out!;
}

/** The same rows' output over keys and values that lie one behind the other. */
export function contiguous(
  toy: Toy,
  spans: readonly Span[],
  dtype: DType = 'f32',
  attention: Attention = exactCausal,
  layer: number = layers - 1,
): Tensor {
  const whole = spans.map(({ tokens, end }): Span => ({ tokens, start: 0, end }));
  const [q, k, v] = [
    toy.rows('q', layer, spans, dtype),
    toy.rows('k', layer, whole, dtype),
    toy.rows('v', layer, whole, dtype),
  ];
  return attention.packed(q, k, v, {
    cuSeqlensQ: cumulative(spans.map(lengthOf)),
    cuSeqlensK: cumulative(whole.map(lengthOf)),
  });
}
