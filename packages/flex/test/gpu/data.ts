import type { DType, Gpu, Tensor } from '@heed/core';
import { Rng } from '@heed/testing';
import type { Table } from '../programs/library.ts';

/** Query, key and value tensors of one problem. */
export interface Qkv {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Tensors of normal numbers; the same seed gives the same numbers. Heads are small: compiling is what takes time. */
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

  /** [B, 4, Lq, 8] over [B, 2, Lk, 8]. */
  dense(batch: number, lq: number, lk: number): Qkv {
    const q = this.normal([batch, 4, lq, 8]);
    return { q, k: this.normal([batch, 2, lk, 8]), v: this.normal([batch, 2, lk, 8]) };
  }

  /** [Tq, 4, 8] over [Tk, 2, 8]. */
  packed(tq: number, tk: number): Qkv {
    return { q: this.normal([tq, 4, 8]), k: this.normal([tk, 2, 8]), v: this.normal([tk, 2, 8]) };
  }

  /** [pages, pageSize, 2, 8], twice. */
  pages(pages: number, pageSize: number): Omit<Qkv, 'q'> {
    return { k: this.normal([pages, pageSize, 2, 8]), v: this.normal([pages, pageSize, 2, 8]) };
  }
}

/** Bits, so that −∞ and the sign of 0 count; none for no tensor. */
export async function bits(...tensors: readonly (Tensor | undefined)[]): Promise<Uint32Array[]> {
  const read = await Promise.all(tensors.map(async (t) => (await t?.read()) ?? new Uint32Array()));
  return read.map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
}

/** Captures of the library's cases as a call takes them. */
export function captured(
  gpu: Gpu,
  values: Readonly<Record<string, number | Table>>,
): Record<string, Tensor | number> {
  const tensorOf = ({ dtype, shape, data }: Table): Tensor => gpu.tensor(data, { shape, dtype });
  return Object.fromEntries(
    Object.entries(values).map(([key, v]) => [key, typeof v === 'number' ? v : tensorOf(v)]),
  );
}
