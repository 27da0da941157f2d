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

/** Rows of a model that depend on all tokens up to theirs, as a transformer's do, and on nothing else. */
export class Toy {
  readonly gpu: Gpu;
  readonly shape: ToyShape;

  constructor(gpu: Gpu, shape: ToyShape = toyShape) {
    this.gpu = gpu;
    this.shape = shape;
  }

  /** The packed rows of some spans in one layer. */
  rows(x: 'q' | 'k' | 'v', layer: number, spans: readonly Span[], dtype: 'f32' | 'f16'): Tensor {
    const { qHeads, kvHeads, headDim, headDimV } = this.shape;
    const heads = x === 'q' ? qHeads : kvHeads;
    const dim = x === 'v' ? headDimV : headDim;
    const numbers = spans.flatMap((span) => {
      return hashes(span).map((hash) => {
        return new Rng(hash ^ (layer * 0x10001 + x.charCodeAt(0))).normals(heads * dim);
      });
    });
    const data = new Float32Array(numbers.length * heads * dim);
    numbers.forEach((row, i) => data.set(row, i * heads * dim));
    return this.gpu.tensor(data, { shape: [numbers.length, heads, dim], dtype });
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

export async function bitsOf(t: Tensor): Promise<Uint32Array> {
  const { buffer, byteOffset, length } = await t.read();
  return new Uint32Array(buffer, byteOffset, length);
}
