import type { Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import type { KvSequence, PagedKvCache } from '../../../src/index.ts';
import { cumulative, lengthOf, type Span, type Toy } from './toy.ts';

/** A sequence in a cache, and all tokens that it stands for. */
export interface Served {
  readonly sequence: KvSequence;
  tokens: number[];
}

export const layers = 2;

const options = { causal: true, numSplits: 1 } as const;

/** Appends new tokens to all layers, attends to them, and returns the last layer's output. */
export function step(
  cache: PagedKvCache,
  toy: Toy,
  served: readonly Served[],
  news: readonly (readonly number[])[],
  dtype: 'f32' | 'f16' = 'f32',
): Tensor {
  const spans = served.map((one, i): Span => {
    const start = one.sequence.length;
    one.tokens = [...one.tokens.slice(0, start), ...news[i]!];
    return { tokens: one.tokens, start, end: one.tokens.length };
  });
  const sequences = served.map(({ sequence }) => sequence);
  const cuSeqlens = cumulative(spans.map(lengthOf));
  let out: Tensor | undefined;
  for (let layer = 0; layer < layers; layer++) {
    const [k, v] = (['k', 'v'] as const).map((x) => toy.rows(x, layer, spans, dtype));
    cache.append(layer, sequences, k!, v!, { cuSeqlens });
    const view = cache.view(layer, sequences);
    const q = toy.rows('q', layer, spans, dtype);
    out = varlenAttention(q, view, { ...options, cuSeqlensQ: view.cuSeqlensQ }).out;
  }
  return out!;
}

/** The same rows' output over keys and values that lie one behind the other. */
export function contiguous(toy: Toy, spans: readonly Span[], dtype: 'f32' | 'f16' = 'f32'): Tensor {
  const layer = layers - 1;
  const whole = spans.map(({ tokens, end }): Span => ({ tokens, start: 0, end }));
  const [k, v] = (['k', 'v'] as const).map((x) => toy.rows(x, layer, whole, dtype));
  const lists = {
    cuSeqlensQ: cumulative(spans.map(lengthOf)),
    cuSeqlensK: cumulative(whole.map(lengthOf)),
  };
  return varlenAttention(toy.rows('q', layer, spans, dtype), k!, v!, { ...options, ...lists }).out;
}
