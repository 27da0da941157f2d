import { Rng, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { recorderTarget } from '../../src/host/launch-target.ts';
import { radixSort } from '../../src/host/radix-sort.ts';

const counts: readonly (readonly [count: number, end: number])[] = [
  [1, 1],
  [63, 7],
  [4096, 256],
  [4097, 257],
  [9000, 70_000],
];

it.for(counts)('sorts %i keys below %i, equal ones in order', async ([count, end]) => {
  const gpu = await testGpu();
  const keys = Uint32Array.from(
    new Rng(count).normals(count),
    (x) => Math.floor(Math.abs(x) * 1e6) % end,
  );
  const given = gpu.tensor(keys, { shape: [count], dtype: 'u32' });
  const { keys: sorted, indices } = gpu.batch(() => radixSort(recorderTarget(gpu), given, end));
  const order = Uint32Array.from(keys, (_, i) => i).toSorted(
    (a, b) => keys[a]! - keys[b]! || a - b,
  );
  expect(await indices.read()).toEqual(order);
  expect(await sorted.read()).toEqual(order.map((i) => keys[i]!));
});
