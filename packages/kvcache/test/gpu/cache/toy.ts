import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import type { FloatType } from '@heed/core/kernel';
import { Rng } from '@heed/testing';
import type { KvSequence, KvStore, PagedKvCache } from '../../../src/index.ts';

/** Tokens `start` to `end − 1` of a sequence. */
export interface Span {
  readonly tokens: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface ToyShape {
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly headDimV: number;
}

export const toyShape: ToyShape = { qHeads: 4, kvHeads: 2, headDim: 16, headDimV: 16 };

/** Returns the options of a cache for a shape. */
export const cached = ({ kvHeads, headDim, headDimV }: ToyShape): Omit<ToyShape, 'qHeads'> => ({
  kvHeads,
  headDim,
  headDimV,
});

/** Returns the numbers of one row, from a generator per row. */
type RowNumbers = (rng: Rng, count: number) => Float32Array;

const normals: RowNumbers = (rng, count) => rng.normals(count);

/** A model whose rows depend only on all tokens up to their own, as those of a transformer do. */
export class Toy {
  readonly gpu: Gpu;
  readonly shape: ToyShape;
  readonly #numbers: RowNumbers;

  constructor(gpu: Gpu, shape: ToyShape = toyShape, numbers: RowNumbers = normals) {
    this.gpu = gpu;
    this.shape = shape;
    this.#numbers = numbers;
  }

  /** Returns the packed rows of spans in one layer. */
  rows(
    x: 'q' | 'k' | 'v',
    layer: number,
    spans: readonly Span[],
    dtype: FloatType = 'f32',
  ): Tensor {
    const [heads, dim] = this.size(x);
    const data = this.numbers(x, layer, spans);
    return this.gpu.tensor(data, { shape: [data.length / (heads * dim), heads, dim], dtype });
  }

  /** As {@link rows}, on the host. */
  numbers(x: 'q' | 'k' | 'v', layer: number, spans: readonly Span[]): Float32Array<ArrayBuffer> {
    const [heads, dim] = this.size(x);
    const seeds = spans.flatMap(hashes);
    const data = new Float32Array(seeds.length * heads * dim);
    seeds.forEach((seed, i) => {
      const rng = new Rng(seed ^ (layer * 0x10001 + x.charCodeAt(0)));
      data.set(this.#numbers(rng, heads * dim), i * heads * dim);
    });
    return data;
  }

  size(x: 'q' | 'k' | 'v'): readonly [heads: number, dim: number] {
    const { qHeads, kvHeads, headDim, headDimV } = this.shape;
    return [x === 'q' ? qHeads : kvHeads, x === 'v' ? headDimV : headDim];
  }
}

/** Returns a hash per token of a span, of all tokens up to it. */
function hashes({ tokens, start, end }: Span): number[] {
  let hash = 17;
  const all = tokens.slice(0, end).map((token) => {
    hash = Math.imul(hash ^ token, 0x9e3779b1);
    return (hash ^= hash >>> 15);
  });
  return all.slice(start);
}

export const lengthOf = ({ start, end }: Span): number => end - start;

/** Returns 0, then the cumulative sums of the lengths. */
export function cumulative(lengths: readonly number[]): Int32Array {
  let end = 0;
  return Int32Array.of(0, ...lengths.map((length) => (end += length)));
}

export const tokensOf = (rng: Rng, count: number): number[] =>
  Array.from({ length: count }, () => rng.int(0, 9));

export async function bitsOf(t: Tensor): Promise<Uint32Array> {
  const { buffer, byteOffset, length } = await t.read();
  return new Uint32Array(buffer, byteOffset, length);
}

/** A sequence in a cache, and all its tokens. */
export interface Served {
  readonly sequence: KvSequence;
  tokens: number[];
}

export const layers = 2;

/** Attention over pages, or over contiguous keys and values. */
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

const exactCausal: Attention = attentionWith({ causal: true, numSplits: 1 });

/** Adds new tokens to sequences; returns their spans. */
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
  dtype: FloatType = 'f32',
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

/** Returns the output of the same rows over contiguous keys and values. */
export function contiguous(
  toy: Toy,
  spans: readonly Span[],
  dtype: FloatType = 'f32',
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

export async function keysByDepth(store: KvStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys.toSorted((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1));
}

/** Returns the number of full pages before the page of a key. */
export const depthOf = (key: string): number => Number(key.split('.').at(-2));
