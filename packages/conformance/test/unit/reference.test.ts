import {
  type AttentionState,
  type NdArray,
  referenceAttention,
  type ReferenceOptions,
  type ReferenceProblem as Problem,
} from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import { difference } from '../../src/budget/error-budgets.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../src/problems/build-problem.ts';
import { poisonUnused } from '../../src/problems/rearrange-problem.ts';
import { listContents, withLists } from '../../src/problems/selected-problem.ts';
import { sliceAxis } from '../../src/reference/nd-array.ts';
import { random } from '../../src/reference/pseudo-random.ts';
import {
  naiveAttention,
  naiveMerge,
  referenceMerge,
} from '../../src/reference/reference-attention.ts';
import { headsOf } from '../../src/reference/sequences.ts';
import { oracle } from './oracle.ts';

function farthest(got: NdArray, want: NdArray): number {
  expect(got.shape).toEqual(want.shape);
  return Math.max(0, ...Array.from(want.data, (x, i) => difference(got.data[i] as number, x)));
}

/** Builds a random problem of a random layout with random options; every third has lists of selected keys. */
function anyProblem(seed: number): Problem {
  const problem = withoutLists(seed);
  if (seed % 3 > 0) return problem;
  const source = random(10_000 + seed);
  const { query, kv } = headsOf(problem);
  const names = Object.keys(listContents) as (keyof typeof listContents)[];
  const spec = {
    heads: [1, query, kv][source.below(3)]!,
    entries: source.below(9),
    blockSize: 1 + source.below(3),
    isShared: source.below(2) === 0,
    seed,
  };
  return withLists(problem, spec, listContents[names[source.below(names.length)]!]);
}

function withoutLists(seed: number): Problem {
  const source = random(seed);
  const pick = <T>(...list: readonly T[]): T => list[source.below(list.length)] as T;
  const heads = pick<readonly [number, number]>([1, 1], [2, 1], [4, 2], [3, 3], [6, 2]);
  const lengths = (n: number): number[] => Array.from({ length: n }, () => source.below(7));
  const count = source.below(4);
  const slopes = pick(undefined, [heads[0]], [count, heads[0]]);
  const numbers = (shape: number[]): NdArray => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => source.normal()),
  });
  const options: ReferenceOptions = {
    ...(pick(true, false) && { causal: true }),
    ...(pick(true, false) && { window: [source.below(5) - 1, source.below(5) - 1] as const }),
    ...(pick(true, false) && { align: pick<'start' | 'end'>('start', 'end') }),
    ...(pick(true, false) && { scale: source.normal() }),
    ...(pick(true, false) && { softcap: 0.5 + source.uniform() }),
    ...(slopes && { alibiSlopes: numbers(slopes) }),
    ...(pick(true, false) && { sinks: numbers([heads[0]]) }),
  };
  const base = {
    dtype: 'f32' as const,
    heads,
    dim: 1 + source.below(5),
    dimV: 1 + source.below(5),
    seed,
    options,
  };
  const used = lengths(count);
  switch (pick('dense', 'packed', 'slots', 'paged')) {
    case 'dense':
      return denseProblem({
        ...base,
        batch: count,
        kvBatch: pick(1, count),
        lq: source.below(6),
        lk: 6,
        ...(pick(true, false) && { seqUsedK: used }),
      });
    case 'packed':
      return packedProblem({
        ...base,
        qLens: lengths(count),
        kLens: lengths(count),
        spareRows: [source.below(3), source.below(3)],
      });
    case 'slots':
      return packedProblem({
        ...base,
        qLens: lengths(count),
        kLens: used.map((n) => n + source.below(3)),
        used,
      });
    case 'paged':
      return pagedProblem({
        ...base,
        qLens: lengths(count),
        used,
        pageSize: 1 + source.below(4),
        pages: pick('permuted', 'shared'),
      });
  }
}

describe('referenceAttention against a second formulation', () => {
  it('agrees on 600 random problems of every layout and option', () => {
    for (let seed = 0; seed < 600; seed++) {
      const problem = anyProblem(seed);
      const got = referenceAttention(problem);
      const want = oracle(problem);
      expect(farthest(got.out, want.out), `out of seed ${seed}`).toBeLessThan(1e-11);
      expect(farthest(got.lse, want.lse), `lse of seed ${seed}`).toBeLessThan(1e-11);
    }
  });

  it('never touches unused memory', () => {
    for (let seed = 0; seed < 200; seed++) {
      const problem = anyProblem(seed);
      expect(referenceAttention(poisonUnused(problem, NaN)), `seed ${seed}`).toEqual(
        referenceAttention(problem),
      );
    }
  });

  it('is close to its float32 twin', () => {
    for (let seed = 0; seed < 200; seed++) {
      const problem = anyProblem(seed);
      const [exact, naive] = [referenceAttention(problem), naiveAttention(problem)];
      expect(farthest(naive.out, exact.out), `out of seed ${seed}`).toBeLessThan(2e-5);
      expect(naive.out.data.every((x) => Object.is(Math.fround(x), x))).toBe(true);
    }
  });
});

const zeroQ = (problem: Problem): Problem => ({
  ...problem,
  q: { shape: problem.q.shape, data: new Float32Array(problem.q.data.length) },
});

describe('referenceAttention in closed form', () => {
  it('q = 0 gives the mean of the values and the log of their number', () => {
    const problem = zeroQ(denseProblem({ dtype: 'f32', lq: 2, lk: 5, heads: [1, 1], dim: 3 }));
    const { out, lse } = referenceAttention(problem);
    const mean = [0, 1, 2].map(
      (d) => [0, 1, 2, 3, 4].reduce((sum, j) => sum + (problem.v.data[j * 3 + d] as number), 0) / 5,
    );
    [...mean, ...mean].forEach((x, i) => expect(out.data[i]).toBeCloseTo(x, 14));
    expect([...lse.data]).toEqual([Math.log(5), Math.log(5)]);
  });

  it('one key gives its value, and its score as lse', () => {
    const problem: Problem = {
      q: { shape: [1, 1, 1, 2], data: Float32Array.of(3, 4) },
      k: { shape: [1, 1, 1, 2], data: Float32Array.of(2, -1) },
      v: { shape: [1, 1, 1, 1], data: Float32Array.of(7) },
      options: { scale: 0.5 },
    };
    const { out, lse } = referenceAttention(problem);
    expect([out.data[0], lse.data[0]]).toEqual([7, 1]);
  });

  it('a sink of the score of its one key halves the output and adds log 2', () => {
    const sinks = { shape: [1], data: Float32Array.of(0) };
    const problem = zeroQ(
      denseProblem({ dtype: 'f32', lq: 1, lk: 1, heads: [1, 1], dim: 2, options: { sinks } }),
    );
    const { out, lse } = referenceAttention(problem);
    expect([...out.data]).toEqual([...problem.v.data].map((x) => x / 2));
    expect(lse.data[0]).toBeCloseTo(Math.log(2), 15);
  });

  it('softcap bounds the score: cap·tanh(s/cap)', () => {
    const one = (x: number) => ({ shape: [1, 1, 1, 1], data: Float32Array.of(x) });
    const { lse } = referenceAttention({
      q: one(6),
      k: one(1),
      v: one(1),
      options: { scale: 1, softcap: 2 },
    });
    expect(lse.data[0]).toBeCloseTo(2 * Math.tanh(3), 15);
  });

  it('ALiBi takes slope·|i + off − j| away on both sides of the diagonal', () => {
    const alibiSlopes = { shape: [1], data: Float32Array.of(Math.LN2) };
    const problem = zeroQ(
      denseProblem({ dtype: 'f32', lq: 1, lk: 3, heads: [1, 1], dim: 1, options: { alibiSlopes } }),
    );
    // Weights: 1/4, 1/2, 1 for the row at position 2; 1, 1/2, 1/4 for the row at position 0.
    expect(referenceAttention(problem).lse.data[0]).toBeCloseTo(Math.log(1.75), 6);
    const started = { ...problem, options: { ...problem.options, align: 'start' as const } };
    expect(referenceAttention(started).lse.data[0]).toBeCloseTo(Math.log(1.75), 6);
  });

  const keysSeen = (lq: number, lk: number, options: ReferenceOptions): number[] => {
    const problem = zeroQ(denseProblem({ dtype: 'f32', lq, lk, heads: [1, 1], dim: 1, options }));
    return Array.from(referenceAttention(problem).lse.data, (x) => Math.round(Math.exp(x)));
  };

  it('causal is tied to the bottom right corner, or to the top left', () => {
    expect(keysSeen(2, 5, { causal: true })).toEqual([4, 5]);
    expect(keysSeen(5, 2, { causal: true })).toEqual([0, 0, 0, 1, 2]);
    expect(keysSeen(2, 5, { causal: true, align: 'start' })).toEqual([1, 2]);
    expect(keysSeen(5, 2, { causal: true, align: 'start' })).toEqual([1, 2, 2, 2, 2]);
  });

  it('window bounds are inclusive, and combine with causal', () => {
    expect(keysSeen(5, 5, { window: [1, 0] })).toEqual([1, 2, 2, 2, 2]);
    expect(keysSeen(5, 5, { window: [1, 1] })).toEqual([2, 3, 3, 3, 2]);
    expect(keysSeen(5, 5, { window: [0, -1] })).toEqual([5, 4, 3, 2, 1]);
    expect(keysSeen(5, 5, { window: [1, 2], causal: true })).toEqual([1, 2, 2, 2, 2]);
    expect(keysSeen(4, 2, { window: [0, 0], align: 'start' })).toEqual([1, 1, 0, 0]);
  });

  it('an empty row has out 0 and lse −∞, or the sink', () => {
    const empty = denseProblem({ dtype: 'f32', lq: 1, lk: 0, heads: [2, 1], dim: 2 });
    expect(referenceAttention(empty)).toEqual({
      out: { shape: [1, 2, 1, 2], data: new Float64Array(4) },
      lse: { shape: [1, 2, 1], data: new Float64Array([-Infinity, -Infinity]) },
      max: { shape: [1, 2, 1], data: new Float64Array([-Infinity, -Infinity]) },
    });
    const sinks = { shape: [2], data: Float32Array.of(1.5, -2) };
    const { lse, max } = referenceAttention({ ...empty, options: { sinks } });
    expect([...lse.data]).toEqual([1.5, -2]);
    expect([...max.data]).toEqual([-Infinity, -Infinity]);
  });

  it('a query row outside every sequence has lse −∞ even with sinks', () => {
    const sinks = { shape: [1], data: Float32Array.of(1) };
    const problem = packedProblem({
      dtype: 'f32',
      qLens: [1],
      kLens: [0],
      spareRows: [1, 0],
      heads: [1, 1],
      dim: 1,
      options: { sinks },
    });
    expect([...referenceAttention(problem).lse.data]).toEqual([1, -Infinity]);
  });
});

describe('referenceAttention with mods', () => {
  it('hands over logical positions, the query head and the rows of the packed tensors', () => {
    const seen: string[] = [];
    const problem = packedProblem({
      dtype: 'f32',
      qLens: [1, 1],
      kLens: [1, 2],
      heads: [2, 1],
      dim: 1,
    });
    referenceAttention({
      ...problem,
      options: {
        scoreMod: (score, b, h, q, kv, { qLen, kvLen, qRow, kvRow }) => {
          seen.push([b, h, q, kv, qLen, kvLen, qRow, kvRow].join(' '));
          return score;
        },
      },
    });
    expect(seen).toEqual([
      '0 0 0 0 1 1 0 0',
      '0 1 0 0 1 1 0 0',
      '1 0 1 0 1 2 1 1',
      '1 0 1 1 1 2 1 2',
      '1 1 1 0 1 2 1 1',
      '1 1 1 1 1 2 1 2',
    ]);
  });

  it('a maskMod, and a score of −∞, take a pair out exactly', () => {
    const problem = denseProblem({ dtype: 'f32', lq: 9, lk: 9, heads: [2, 1], dim: 4 });
    const causal = referenceAttention({ ...problem, options: { causal: true } });
    const maskMod = referenceAttention({
      ...problem,
      options: { maskMod: (_b, _h, q, kv) => kv <= q },
    });
    const scoreMod = referenceAttention({
      ...problem,
      options: { scoreMod: (s, _b, _h, q, kv) => (kv <= q ? s : -Infinity) },
    });
    expect(maskMod).toEqual(causal);
    expect(scoreMod).toEqual(causal);
    const none = referenceAttention({ ...problem, options: { maskMod: () => false } });
    expect(none.out.data.every((x) => x === 0) && none.lse.data.every((x) => x === -Infinity)).toBe(
      true,
    );
  });
});

function expectClose(got: AttentionState, want: AttentionState, distance: number): void {
  want.out.data.forEach((x, i) =>
    expect(Math.abs((got.out.data[i] as number) - x)).toBeLessThan(distance),
  );
  want.lse.data.forEach((x, i) =>
    expect(got.lse.data[i] === x || Math.abs((got.lse.data[i] as number) - x) < distance).toBe(
      true,
    ),
  );
}

describe('referenceMerge', () => {
  const whole = denseProblem({ dtype: 'f32', batch: 2, lq: 3, lk: 12, heads: [2, 1], dim: 4 });
  const keys = (start: number, end: number): AttentionState =>
    referenceAttention({
      ...whole,
      k: sliceAxis(whole.k, 2, start, end),
      v: sliceAxis(whole.v, 2, start, end),
    } satisfies Problem);

  it('gives attention over the union of disjoint key ranges', () => {
    expectClose(
      referenceMerge([keys(0, 5), keys(5, 6), keys(6, 12)]),
      referenceAttention(whole),
      1e-14,
    );
    expectClose(naiveMerge([keys(0, 5), keys(5, 6), keys(6, 12)]), referenceAttention(whole), 1e-6);
  });

  it('handles the packed layout, whose lse is transposed', () => {
    const packed = packedProblem({
      dtype: 'f32',
      qLens: [2, 3],
      kLens: [6, 6],
      used: [4, 6],
      heads: [2, 1],
      dim: 3,
    });
    const nothing = referenceAttention({ ...packed, seqUsedK: Int32Array.of(0, 0) });
    const some = referenceAttention(packed);
    expectClose(referenceMerge([some, nothing]), some, 1e-15);
    expectClose(referenceMerge([nothing, some]), some, 1e-15);
  });

  it('(−∞, −∞) is (0, −∞), and no state is an error', () => {
    const { out, lse } = keys(0, 0);
    expect(
      referenceMerge([
        { out, lse },
        { out, lse },
      ]),
    ).toEqual({ out, lse });
    expect(() => referenceMerge([])).toThrow(RangeError);
  });
});
