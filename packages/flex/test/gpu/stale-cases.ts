import type { Gpu, Tensor } from '@heed/core';
import { bits, type Qkv } from '@heed/testing';
import * as fc from 'fast-check';
import { createBlockMask, flexAttention, type MaskMod } from '../../src/index.ts';

/** Rows of packed queries and keys. */
export const ROWS = 256;

export type Mask = MaskMod;

/** Sees two thirds of the pairs, by their rows in memory: where a sequence begins matters. */
export const byRows: Mask = (b, h, q, kv, c, { qRow, kvRow, qLen, kvLen }) =>
  kv >= 16 * b && q + kv < qLen + kvLen && (qRow + kvRow) % 3 !== 0;

/** Ends of packed sequences, from 0. */
export interface Lists {
  readonly cuQ: readonly number[];
  readonly cuK: readonly number[];
}

/** Lists that the host cannot look into. */
export function packed(gpu: Gpu, { cuQ, cuK }: Lists): object {
  const onGpu = (list: readonly number[]): Tensor =>
    gpu.tensor(list, { shape: [list.length], dtype: 'i32' });
  return { cuSeqlensQ: onGpu(cuQ), cuSeqlensK: onGpu(cuK) };
}

/** What a mask made for some lists and used with others gives, and what its maskMod alone gives: bits. */
export async function both(
  gpu: Gpu,
  maskMod: Mask,
  [made, used]: readonly [Lists, Lists],
  use: (o: object) => readonly Tensor[],
): Promise<[stale: Uint32Array[], alone: Uint32Array[]]> {
  const options = { ...packed(gpu, made), Lq: ROWS, Lk: ROWS, blockSize: 32 };
  using blockMask = createBlockMask(gpu, maskMod, options as never);
  const lists = packed(gpu, used);
  const stale = use({ ...lists, blockMask });
  return [await bits(...stale), await bits(...use({ ...lists, maskMod }))];
}

/** Three sequences; multiples of 8 make equal lengths likely. */
const ends: fc.Arbitrary<number[]> = fc
  .array(fc.integer({ min: 0, max: ROWS / 8 }), { minLength: 3, maxLength: 3 })
  .map((cuts) => [0, ...cuts.map((n) => 8 * n).toSorted((a, b) => a - b)]);

/** The same lengths but for the first and the last, further on. */
const moved = (list: readonly number[], by: number): number[] =>
  list.map((end, i) => (i === 0 ? 0 : Math.min(ROWS, end + by)));

const lists = fc.record({ cuQ: ends, cuK: ends });
const further = fc.tuple(lists, fc.nat(48));

/** What a mask was made for, and what it is used with: others, or the same further on, both or keys alone. */
export const pairs: fc.Arbitrary<[made: Lists, used: Lists]> = fc.oneof(
  fc.tuple(lists, lists),
  further.map(([made, by]): [Lists, Lists] => [
    made,
    { cuQ: moved(made.cuQ, by), cuK: moved(made.cuK, by) },
  ]),
  further.map(([made, by]): [Lists, Lists] => [made, { ...made, cuK: moved(made.cuK, by) }]),
);

export const attention =
  ({ q, k, v }: Qkv) =>
  (o: object): readonly Tensor[] => {
    const { out, lse } = flexAttention(q, k, v, { ...o, returnLse: true, numSplits: 1 });
    return [out, lse];
  };
