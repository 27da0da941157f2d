import type { Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import type { KvStore, PagedKvCache } from '../../../src/index.ts';
import { layers, type Served, spansOf } from './serve.ts';
import { bitsOf, cumulative, lengthOf, type Toy } from './toy.ts';

/** Appends rows of the tokens that a sequence lacks, and commits them. */
export function write(cache: PagedKvCache, toy: Toy, tokens: readonly number[], salt = ''): Served {
  const sequence = cache.open({ tokens: [...tokens], salt });
  const served: Served = { sequence, tokens: tokens.slice(0, sequence.cachedTokens) };
  const news = tokens.slice(sequence.cachedTokens);
  const spans = spansOf([served], [news]);
  for (let layer = 0; layer < layers; layer++) {
    using k = toy.rows('k', layer, spans);
    using v = toy.rows('v', layer, spans);
    cache.append(layer, [sequence], k, v);
  }
  sequence.commit(news);
  return served;
}

/** Bits of the attention of a sequence's last token, in all layers. */
export async function attend(cache: PagedKvCache, toy: Toy, served: Served): Promise<number[]> {
  const { tokens } = served;
  const span = [{ tokens, start: tokens.length - 1, end: tokens.length }];
  const outs = Array.from({ length: layers }, (_, layer): Tensor => {
    const view = cache.view(layer, [served.sequence]);
    const options = { causal: true, numSplits: 1, cuSeqlensQ: cumulative(span.map(lengthOf)) };
    return varlenAttention(toy.rows('q', layer, span), view, options).out;
  });
  const bits = await Promise.all(outs.map(bitsOf));
  return bits.flatMap((list) => [...list]);
}

export async function keysOf(store: KvStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys.toSorted((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1));
}

/** Full pages before the one that a key names. */
export const depthOf = (key: string): number => Number(key.split('.').at(-2));
