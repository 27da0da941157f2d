import type { Gpu, Tensor } from '@heed/core';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { Rng } from '@heed/testing';
import { expect } from 'vitest';
import type { Table } from '../programs/library.ts';
import { attend, type Reference } from './attend.ts';

/** Captures of the library's cases as a call takes them. */
export function captured(
  gpu: Gpu,
  values: Readonly<Record<string, number | boolean | Table>>,
): Record<string, Tensor | number | boolean> {
  const tensorOf = ({ dtype, shape, data }: Table): Tensor => gpu.tensor(data, { shape, dtype });
  return Object.fromEntries(
    Object.entries(values).map(([key, v]) => [key, typeof v === 'object' ? tensorOf(v) : v]),
  );
}

const [HEADS, KV_HEADS, D] = [4, 2, 8];

/** Rows of 4 query heads and 2 kv heads, of 8 numbers: as arrays for the reference and as tensors in any layout. */
export class RowData {
  readonly arrays: Pick<Reference, 'q' | 'k' | 'v' | 'heads' | 'kvHeads' | 'headDim'>;
  readonly #tensors: readonly Tensor[];

  constructor(gpu: Gpu, queries: number, keys: number, seed = 1) {
    const rng = new Rng(seed);
    const sizes = [queries * HEADS, keys * KV_HEADS, keys * KV_HEADS].map((n) => n * D);
    const [q, k, v] = sizes.map((count) => rng.normals(count));
    this.arrays = { q: q!, k: k!, v: v!, heads: HEADS, kvHeads: KV_HEADS, headDim: D };
    this.#tensors = [q!, k!, v!].map((data, i) => {
      return gpu.tensor(data, { shape: [i === 0 ? queries : keys, i === 0 ? HEADS : KV_HEADS, D] });
    });
  }

  /** [T, H, D] */
  packed(): { q: Tensor; k: Tensor; v: Tensor } {
    const [q, k, v] = this.#tensors;
    return { q: q!, k: k!, v: v! };
  }

  /** [B, H, L, D] views of the same memory. */
  dense(batch: number): { q: Tensor; k: Tensor; v: Tensor } {
    const [q, k, v] = this.#tensors.map((x) => {
      const [rows, heads] = x.shape as [number, number];
      return x.reshape([batch, rows / batch, heads, D]).permute([0, 2, 1, 3]);
    });
    return { q: q!, k: k!, v: v! };
  }

  /** Keys as [pages, pageSize, H, D]. */
  pages(pageSize: number): { q: Tensor; k: Tensor; v: Tensor } {
    const [q, ...keys] = this.#tensors;
    const [k, v] = keys.map((x) => x.reshape([x.shape[0]! / pageSize, pageSize, KV_HEADS, D]));
    return { q: q!, k: k!, v: v! };
  }
}

/** Compares with the definition; dense results are [B, H, L, D], others [T, H, D]. */
export async function expectAttention(
  { out, lse }: AttentionResult,
  reference: Reference,
  tolerance = 3e-6,
): Promise<void> {
  const want = attend(reference);
  const isDense = out.shape.length === 4;
  expect(await (isDense ? out.permute([0, 2, 1, 3]) : out).read()).toMatchTensor(want.out, {
    tolerance,
  });
  if (!lse) return;
  const byRow = isDense ? lse.permute([0, 2, 1]) : lse.permute([1, 0]);
  expect(await byRow.read()).toMatchTensor(want.lse, { tolerance: 2 * tolerance });
}
