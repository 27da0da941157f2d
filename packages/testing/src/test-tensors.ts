import type { DType, Gpu, Tensor } from '@heed/core';
import { Rng } from './rng.ts';

/** Query, key and value tensors of one problem. */
export interface Qkv {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

const [Q_HEADS, KV_HEADS] = [4, 2];

/** Makes tensors of standard normal numbers, with 4 query heads and 2 kv heads. The same seed gives the same numbers. */
export class TensorSource {
  readonly #gpu: Gpu;
  readonly #rng: Rng;
  readonly #headDim: number;

  /** @param headDim head dim of all rows; small ones keep compile times short */
  constructor(gpu: Gpu, seed: number, headDim: number) {
    this.#gpu = gpu;
    this.#rng = new Rng(seed);
    this.#headDim = headDim;
  }

  normal(shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const count = shape.reduce((a, b) => a * b, 1);
    return this.#gpu.tensor(this.#rng.normals(count), { shape, dtype });
  }

  /** Returns q [B, 4, Lq, D], k and v [B, 2, Lk, D]. */
  dense(batch: number, lq: number, lk: number): Qkv {
    return this.#qkv([batch, Q_HEADS, lq], [batch, KV_HEADS, lk]);
  }

  /** Returns q [Tq, 4, D], k and v [Tk, 2, D]. */
  packed(tq: number, tk: number): Qkv {
    return this.#qkv([tq, Q_HEADS], [tk, KV_HEADS]);
  }

  /** Returns k and v [pages, pageSize, 2, D]. */
  pages(pages: number, pageSize: number): Omit<Qkv, 'q'> {
    const shape = [pages, pageSize, KV_HEADS, this.#headDim];
    return { k: this.normal(shape), v: this.normal(shape) };
  }

  #qkv(query: readonly number[], key: readonly number[]): Qkv {
    const [q, k, v] = [query, key, key].map((rows) => this.normal([...rows, this.#headDim]));
    return { q: q!, k: k!, v: v! };
  }
}

/** Reads the bits of tensors, so that −∞ and the sign of 0 count. An absent tensor has none. */
export async function bits(...tensors: readonly (Tensor | undefined)[]): Promise<Uint32Array[]> {
  const read = await Promise.all(tensors.map(async (t) => (await t?.read()) ?? new Uint32Array()));
  return read.map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
}
