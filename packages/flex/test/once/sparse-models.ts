import type { Gpu, Tensor } from '@heed/core';
import { Rng } from '@heed/testing';
import { expect } from 'vitest';
import type { dsa } from '../examples/sparse/06-dsa.ts';
import type { nsa } from '../examples/sparse/07-nsa.ts';
import type { moba } from '../examples/sparse/08-moba.ts';
import { attend, type Mask, range } from '../gpu/attend.ts';
import { differences } from '../gpu/finite-differences.ts';

const [rows, D] = [13, 4] as const;

/** Rows of several heads, [row, head, D], as a list and as a tensor [1, heads, rows, D] without strides. */
class Rows {
  readonly heads: number;
  readonly data: Float64Array;

  constructor(heads: number, seed: number) {
    this.heads = heads;
    this.data = Float64Array.from(new Rng(seed).normals(rows * heads * D));
  }

  tensor(gpu: Gpu): Tensor {
    const { heads, data } = this;
    const of = (h: number, i: number) =>
      data.subarray((i * heads + h) * D, (i * heads + h + 1) * D);
    const byHead = range(0, heads).flatMap((h) => range(0, rows).flatMap((i) => [...of(h, i)]));
    return gpu.tensor(byHead, { shape: [1, heads, rows, D] });
  }
}

type Numbers = ArrayLike<number>;
type Operands = readonly [q: Numbers, k: Numbers, v: Numbers];

/** Attention of these rows in float64. */
function plain(
  [q, k, v]: Operands,
  heads: number,
  kvHeads: number,
  mask: Mask,
  keys: number = rows,
) {
  const sequences = [{ q: range(0, rows), k: range(0, keys) }];
  return attend({ q, k, v, heads, kvHeads, headDim: D, sequences, align: 'start', mask });
}

const dot = (a: Numbers, i: number, b: Numbers, j: number): number =>
  range(0, D).reduce((sum, d) => sum + a[i + d]! * b[j + d]!, 0);

/** The `topK` best of some scores, in ascending order, then −1. */
function best(scores: ReadonlyMap<number, number>, topK: number): number[] {
  const ranked = [...scores].toSorted(([, a], [, b]) => b - a);
  const list = ranked.slice(0, topK).map(([n]) => n);
  list.sort((a, b) => a - b);
  return [...list, ...new Array<number>(topK - list.length).fill(-1)];
}

/** The means of blocks of rows [row, head, D]. */
function means(x: Numbers, heads: number, size: number): Float64Array {
  const blocks = Math.ceil(rows / size);
  return Float64Array.from({ length: blocks * heads * D }, (_, at) => {
    const [block, rest] = [Math.floor(at / (heads * D)), at % (heads * D)];
    const own = range(block * size, Math.min(rows, (block + 1) * size));
    return own.reduce((sum, i) => sum + x[i * heads * D + rest]!, 0) / own.length;
  });
}

/** The blocks or keys of lists [list head, row, topK] as a mask. */
const listed =
  (lists: readonly number[], topK: number, group: number, size = 1): Mask =>
  (b, h, q, kv) => {
    const at = (Math.floor(h / group) * rows + q) * topK;
    return kv <= q && lists.slice(at, at + topK).includes(Math.floor(kv / size));
  };

const byRow = async (x: Tensor): Promise<Numbers> => await x.permute([0, 2, 1, 3]).read();

async function expectGradients(
  got: readonly (readonly Tensor[])[],
  operands: Operands,
  loss: (operands: Operands) => number,
): Promise<void> {
  for (const n of [0, 1, 2] as const) {
    const parts = await Promise.all(got.map((gradients) => byRow(gradients[n]!)));
    const sum = Float64Array.from(parts[0]!, (_, i) => parts.reduce((all, x) => all + x[i]!, 0));
    const want = differences(
      (moved) => loss(operands.with(n, moved) as unknown as Operands),
      operands[n],
    );
    expect(sum, 'qkv'[n]).toMatchTensor(want, { tolerance: 2e-5 });
  }
}

const lossBy = (dOut: Numbers, { out }: { out: Float64Array }): number =>
  out.reduce((sum, x, i) => sum + x * dOut[i]!, 0);

/** Compares DSA, its lists and its gradients with the definition in float64. */
export async function expectDsa(gpu: Gpu, model: typeof dsa): Promise<void> {
  const [heads, kvHeads, topK, indexHeads] = [4, 2, 5, 3];
  const [q, k, v, dOut] = [heads, kvHeads, kvHeads, heads].map((n, i) => new Rows(n, i + 1));
  const [iq, ik] = [new Rows(indexHeads, 5), new Rows(1, 6)];
  const weights = new Rng(7).normals(indexHeads * rows);
  const index = {
    q: iq.tensor(gpu),
    k: ik.tensor(gpu),
    weights: gpu.tensor(weights, { shape: [1, indexHeads, rows] }),
  };
  const got = model(q!.tensor(gpu), k!.tensor(gpu), v!.tensor(gpu), index, topK);
  const lists = range(0, rows).flatMap((i) => {
    const scoreOf = (j: number): number =>
      range(0, indexHeads).reduce((sum, h) => {
        const product = dot(iq.data, (i * indexHeads + h) * D, ik.data, j * D);
        return sum + weights[h * rows + i]! * Math.max(0, product);
      }, 0);
    return best(new Map(range(0, i + 1).map((j) => [j, scoreOf(j)])), topK);
  });
  expect([...(await got.selectedKeys.read())]).toEqual(lists);
  const mask = listed(lists, topK, heads);
  const operands = [q!.data, k!.data, v!.data] as const;
  expect(await byRow(got.out)).toMatchTensor(plain(operands, heads, kvHeads, mask).out, {
    tolerance: 3e-6,
  });
  const { dq, dk, dv } = got.backward(dOut!.tensor(gpu));
  await expectGradients([[dq, dk, dv]], operands, (moved) =>
    lossBy(dOut!.data, plain(moved, heads, kvHeads, mask)),
  );
}

/** Compares NSA, its lists and its gradients with the definition in float64. */
export async function expectNsa(gpu: Gpu, model: typeof nsa): Promise<void> {
  const [heads, kvHeads, size, topK, window] = [4, 2, 3, 3, 4];
  const group = heads / kvHeads;
  const [q, k, v] = [heads, kvHeads, kvHeads].map((n, i) => new Rows(n, i + 11));
  const dOuts = range(0, 3).map((n) => new Rows(heads, 20 + n));
  const operands = [q!.data, k!.data, v!.data] as const;
  const got = model(q!.tensor(gpu), k!.tensor(gpu), v!.tensor(gpu), { size, topK, window });

  const blocks = Math.ceil(rows / size);
  const compressed = ([a, b, c]: Operands) =>
    plain(
      [a, means(b, kvHeads, size), means(c, kvHeads, size)],
      heads,
      kvHeads,
      (_, __, i, n) => (n + 1) * size <= i + 1,
      blocks,
    );
  const { lse } = compressed(operands);
  const kMeans = means(operands[1], kvHeads, size);
  const lists = range(0, kvHeads).flatMap((g) =>
    range(0, rows).flatMap((i) => {
      const own = Math.floor(i / size);
      const weightOf = (n: number): number =>
        range(g * group, (g + 1) * group).reduce((sum, h) => {
          const product = dot(operands[0], (i * heads + h) * D, kMeans, (n * kvHeads + g) * D);
          return sum + Math.exp(product / Math.sqrt(D) - lse[i * heads + h]!);
        }, 0);
      const scores = range(0, own + 1).map((n): [number, number] => [
        n,
        n === 0 || n === own ? Infinity : weightOf(n),
      ]);
      return best(new Map(scores), topK);
    }),
  );
  expect([...(await got.selectedKeys.read())]).toEqual(lists);
  const branches = [
    compressed,
    (given: Operands) => plain(given, heads, kvHeads, listed(lists, topK, group, size)),
    (given: Operands) => plain(given, heads, kvHeads, (_, __, i, j) => j <= i && i - j < window),
  ];
  for (const [n, branch] of branches.entries()) {
    expect(await byRow(got.outs[n]!), `branch ${n}`).toMatchTensor(branch(operands).out, {
      tolerance: 3e-6,
    });
  }
  const gradients = got.backward(dOuts.map((x) => x.tensor(gpu)));
  await expectGradients(
    gradients.map(({ dq, dk, dv }) => [dq, dk, dv]),
    operands,
    (moved) => branches.reduce((sum, of, n) => sum + lossBy(dOuts[n]!.data, of(moved)), 0),
  );
}

/** Compares MoBA, its lists and its gradients with the definition in float64. */
export async function expectMoba(gpu: Gpu, model: typeof moba): Promise<void> {
  const [heads, size, topK] = [3, 4, 2];
  const [q, k, v, dOut] = range(0, 4).map((i) => new Rows(heads, i + 31));
  const operands = [q!.data, k!.data, v!.data] as const;
  const got = model(q!.tensor(gpu), k!.tensor(gpu), v!.tensor(gpu), size, topK);
  const kMeans = means(operands[1], heads, size);
  const lists = range(0, heads).flatMap((h) =>
    range(0, rows).flatMap((i) => {
      const own = Math.floor(i / size);
      const scores = range(0, own + 1).map((n): [number, number] => [
        n,
        n === own ? Infinity : dot(operands[0], (i * heads + h) * D, kMeans, (n * heads + h) * D),
      ]);
      return best(new Map(scores), topK);
    }),
  );
  expect([...(await got.selectedKeys.read())]).toEqual(lists);
  const mask = listed(lists, topK, 1, size);
  expect(await byRow(got.out)).toMatchTensor(plain(operands, heads, heads, mask).out, {
    tolerance: 3e-6,
  });
  const { dq, dk, dv } = got.backward(dOut!.tensor(gpu));
  await expectGradients([[dq, dk, dv]], operands, (moved) =>
    lossBy(dOut!.data, plain(moved, heads, heads, mask)),
  );
}
