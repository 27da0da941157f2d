import type { DType, Gpu, Tensor } from '@heed/core';
import { Rng } from '@heed/testing';

/** Query, key and value tensors of one problem. */
export interface Qkv {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Tensors of normal numbers; the same seed gives the same numbers. */
export class Source {
  readonly #gpu: Gpu;
  readonly #rng: Rng;

  constructor(gpu: Gpu, seed: number) {
    this.#gpu = gpu;
    this.#rng = new Rng(seed);
  }

  normal(shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const count = shape.reduce((a, b) => a * b, 1);
    return this.#gpu.tensor(this.#rng.normals(count), { shape, dtype });
  }

  /** [B, 4, Lq, 64] over [B, 2, Lk, 64]. */
  dense(batch: number, lq: number, lk: number): Qkv {
    const [q, k, v] = [
      [4, lq],
      [2, lk],
      [2, lk],
    ].map(([h, l]) => this.normal([batch, h!, l!, 64]));
    return { q: q!, k: k!, v: v! };
  }

  /** [Tq, 4, 64] over [Tk, 2, 64]. */
  packed(tq: number, tk: number): Qkv {
    const [q, k, v] = [
      [tq, 4],
      [tk, 2],
      [tk, 2],
    ].map(([t, h]) => this.normal([t!, h!, 64]));
    return { q: q!, k: k!, v: v! };
  }
}

/** Bits, so that −∞ and the sign of 0 count; none for no tensor. */
export async function bits(...tensors: readonly (Tensor | undefined)[]): Promise<Uint32Array[]> {
  const read = await Promise.all(tensors.map(async (t) => (await t?.read()) ?? new Uint32Array()));
  return read.map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
}
