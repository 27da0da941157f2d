import type { Gpu, Tensor } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { denseCall } from '../../src/api/dense-call.ts';
import { checkDifferentiable } from '../../src/api/differentiable.ts';
import { factsOfCall } from '../../src/host/attention-call.ts';
import { runGradient } from '../../src/host/backward-pass.ts';
import { runCall } from '../../src/host/forward-pass.ts';
import { recorderTarget } from '../../src/host/launch-target.ts';
import { selectBackward } from '../../src/select/selection.ts';
import type { TileConfig } from '../../src/text/tiles/tile-paths.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const [batch, qHeads, kvHeads, rows, keys, dim, entries] = [2, 4, 2, 5, 70, 16, 45] as const;

/** Numbers between −1 and 1. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

const q = numbers(batch * qHeads * rows * dim, 1);
const k = numbers(batch * kvHeads * keys * dim, 2);
const v = numbers(batch * kvHeads * keys * dim, 3);
const dOut = numbers(batch * qHeads * rows * dim, 4);
// Some keys twice, and entries that name none.
const lists = (heads: number): Int32Array =>
  Int32Array.from(numbers(batch * heads * rows * entries, 5), (x) => Math.floor((x + 0.9) * 40));

/** Computes dq in float64 from the definition. */
function gradient(list: Int32Array, heads: number): Float64Array {
  const dq = new Float64Array(q.length);
  const dot = (a: Float32Array, i: number, b: Float32Array, j: number): number => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += a[i + d]! * b[j + d]!;
    return sum;
  };
  for (let row = 0; row < batch * qHeads * rows; row++) {
    const [b, h, i] = [
      Math.floor(row / (qHeads * rows)),
      Math.floor(row / rows) % qHeads,
      row % rows,
    ];
    const listed = ((b * heads + Math.floor((h * heads) / qHeads)) * rows + i) * entries;
    const named = [...list.subarray(listed, listed + entries)].filter((j) => j >= 0 && j < keys);
    const places = named.map((j) => ((b * kvHeads + Math.floor(h / 2)) * keys + j) * dim);
    const scores = places.map((at) => dot(q, row * dim, k, at) / Math.sqrt(dim));
    const largest = Math.max(...scores);
    const sum = scores.reduce((all, s) => all + Math.exp(s - largest), 0);
    const weights = scores.map((s) => Math.exp(s - largest) / sum);
    const dWeights = places.map((at) => dot(dOut, row * dim, v, at));
    const delta = weights.reduce((all, p, n) => all + p * dWeights[n]!, 0);
    places.forEach((at, n) => {
      const dScore = (weights[n]! * (dWeights[n]! - delta)) / Math.sqrt(dim);
      for (let d = 0; d < dim; d++) dq[row * dim + d]! += dScore * k[at + d]!;
    });
  }
  return dq;
}

const portable: TileConfig = { path: 'portable', threadsM: 8, rowsPerThread: 2, unroll: false };

it.for([
  [1, 'the default path', undefined],
  [2, 'the default path', undefined],
  [4, 'the default path', undefined],
  [2, 'the portable path', portable],
] as const)('dq of lists for %i heads is right on %s', async ([heads, , tile]) => {
  const made: Tensor[] = [];
  const tensor = (data: Float32Array, shape: number[]): Tensor => {
    const one = gpu.tensor(data, { shape });
    made.push(one);
    return one;
  };
  const list = lists(heads);
  const selectedKeys = gpu.tensor(list, { shape: [batch, heads, rows, entries], dtype: 'i32' });
  const call = denseCall(
    'test',
    tensor(q, [batch, qHeads, rows, dim]),
    tensor(k, [batch, kvHeads, keys, dim]),
    tensor(v, [batch, kvHeads, keys, dim]),
    { selectedKeys, numSplits: 1 },
  );
  checkDifferentiable(call);
  const { out, lse, states } = runCall(call, true);
  const given = tensor(dOut, [batch, qHeads, rows, dim]);
  const state = { out, lse: lse!, states: states!, dOut: given, dLse: undefined };
  const chosen = tile ?? selectBackward(factsOfCall(call), 'q', gpu.capabilities).tile;
  const [dq] = gpu.batch(() => runGradient('q', call, state, recorderTarget(gpu), chosen));
  const want = gradient(list, heads);
  const off = Math.max(...Array.from(await dq!.read(), (x, n) => Math.abs(x - want[n]!)));
  expect(off).toBeLessThan(2e-6);
  for (const one of [...made, selectedKeys, out, lse!, dq!]) one.dispose();
});
