import type { Gpu, Tensor } from '@heed/core';
import { Rng } from '@heed/testing';

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

/** What a cache is told of a shape. */
export const cached = ({ kvHeads, headDim, headDimV }: ToyShape): Omit<ToyShape, 'qHeads'> => ({
  kvHeads,
  headDim,
  headDimV,
});

/** The numbers of one row, made from a generator of its own. */
export type RowNumbers = (rng: Rng, count: number) => Float32Array;

const normals: RowNumbers = (rng, count) => rng.normals(count);

/** Rows of a model that depend on all tokens up to theirs, as a transformer's do, and on nothing else. */
export class Toy {
  readonly gpu: Gpu;
  readonly shape: ToyShape;
  readonly #numbers: RowNumbers;

  constructor(gpu: Gpu, shape: ToyShape = toyShape, numbers: RowNumbers = normals) {
    this.gpu = gpu;
    this.shape = shape;
    this.#numbers = numbers;
  }

  /** The packed rows of some spans in one layer. */
  rows(
    x: 'q' | 'k' | 'v',
    layer: number,
    spans: readonly Span[],
    dtype: 'f32' | 'f16' = 'f32',
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

/** A hash of all tokens up to each of a span. */
function hashes({ tokens, start, end }: Span): number[] {
  let hash = 17;
  const all = tokens.slice(0, end).map((token) => {
    hash = Math.imul(hash ^ token, 0x9e3779b1);
    return (hash ^= hash >>> 15);
  });
  return all.slice(start);
}

export const lengthOf = ({ start, end }: Span): number => end - start;

/** 0, then the end of each of some lengths. */
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
