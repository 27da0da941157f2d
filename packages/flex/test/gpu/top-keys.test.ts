import type { Gpu } from '@heed/core';
import { andMasks, bind, type MaskMod, type ScoreMod, topKeys } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { relativeBias } from '@heed/flex/mods';
import * as kernels from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const [heads, rows, keys, dim] = [2, 9, 40, 4];
const integers = (seed: number, count: number): Float32Array =>
  new Rng(seed).normals(count).map((x) => Math.round(2 * x));
const q = integers(1, heads * rows * dim);
const k = integers(2, keys * dim);
const tensors = () =>
  [
    gpu.tensor(q, { shape: [1, heads, rows, dim] }),
    gpu.tensor(k, { shape: [1, 1, keys, dim] }),
  ] as const;

/** The definition: of the keys that some head sees, those with the largest sums. */
function expected(topK: number, score: ScoreMod, mask: MaskMod): number[] {
  const info = { qLen: rows, kvLen: keys, qRow: 0, kvRow: 0 };
  return Array.from({ length: rows }, (_, i) => {
    const at = i + keys - rows;
    const seen: [number, number][] = [];
    for (let j = 0; j < keys; j++) {
      const terms: number[] = [];
      for (let h = 0; h < heads; h++) {
        let dot = 0;
        for (let d = 0; d < dim; d++) dot += q[(h * rows + i) * dim + d]! * k[j * dim + d]!;
        const term = score(dot, 0, h, at, j, {}, info);
        if (term > -1e30 && mask(0, h, at, j, {}, info)) terms.push(term);
      }
      if (terms.length > 0) seen.push([j, terms.reduce((a, b) => a + b, 0)]);
    }
    seen.sort(([i1, a], [i2, b]) => b - a || i1 - i2);
    const list = seen.slice(0, topK).map(([j]) => j);
    list.sort((a, b) => a - b);
    return [...list, ...new Array<number>(topK - list.length).fill(-1)];
  }).flat();
}

it('takes a score mod in place of relu, and a mask', async () => {
  const scoreMod: ScoreMod = (score, b, h, i, j) =>
    j === i - 3 ? -Infinity : score * score - 2 * h * j;
  const maskMod: MaskMod = (b, h, i, j) => (h === 0 ? j <= i : j <= i - 20);
  const got = topKeys(...tensors(), { topK: 7, scoreMod, maskMod });
  expect(got.shape).toEqual([1, 1, rows, 7]);
  expect([...(await got.read())]).toEqual(expected(7, scoreMod, maskMod));
});

it('hides a key that every head hides', async () => {
  const scoreMod: ScoreMod = (score, b, h, i, j) => (j % 8 === h ? score : -Infinity);
  const got = await topKeys(...tensors(), { topK: 12, scoreMod }).read();
  expect([...got.subarray(0, 12)]).toEqual([0, 1, 8, 9, 16, 17, 24, 25, 32, 33, -1, -1]);
});

it('has the bits of the plain call without a score mod', async () => {
  const maskMod = andMasks(causal, bind(slidingWindow, { window: 12 }));
  const plain = kernels.topKeys(...tensors(), { topK: 5, causal: true, window: [12, -1] });
  const own = topKeys(...tensors(), { topK: 5, maskMod });
  expect(await own.read()).toEqual(await plain.read());
});

it('reads captured tables, and reports its own options', async () => {
  // A bias by distance alone: keys near the query come first.
  const far = Float32Array.from({ length: heads * 81 }, (_, i) => -1000 * Math.abs((i % 81) - 40));
  const bias = gpu.tensor(far, { shape: [heads, 81] });
  const scoreMod = bind(relativeBias, { bias, maxDistance: 40 });
  const got = await topKeys(...tensors(), { topK: 3, scoreMod, maskMod: causal }).read();
  expect([...got.subarray(0, 3)]).toEqual([29, 30, 31]);
  expect(() => topKeys(...tensors(), { topK: 3, causal: true } as never)).toThrow(
    'Pass maskMod: causal',
  );
});
