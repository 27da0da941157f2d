import {
  type AttentionState,
  type ReferenceProblem as Problem,
  referenceAttention,
} from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import {
  cumulative,
  denseProblem,
  packedProblem,
  pagedProblem,
} from '../../src/problems/build-problem.ts';
import { gather, gatherState, pad, poisonUnused } from '../../src/problems/rearrange-problem.ts';
import { rowsOf, sliceAxis } from '../../src/reference/nd-array.ts';

const numbers = ({ out, lse }: AttentionState): number[][] => [[...out.data], [...lse.data]];
const small = { dtype: 'f32', heads: [2, 1], dim: 3 } as const;

const problems: readonly [string, Problem][] = [
  [
    'dense',
    denseProblem({
      ...small,
      batch: 3,
      lq: 4,
      lk: 6,
      seqUsedK: [6, 0, 2],
      options: { causal: true },
    }),
  ],
  ['packed', packedProblem({ ...small, qLens: [2, 0, 3], kLens: [4, 2, 5], spareRows: [2, 2] })],
  [
    'slots',
    packedProblem({
      ...small,
      qLens: [2, 0, 3],
      kLens: [4, 2, 5],
      used: [1, 2, 4],
      options: { window: [1, 1] },
    }),
  ],
  ['paged', pagedProblem({ ...small, qLens: [2, 1, 3], used: [7, 0, 4], pageSize: 3 })],
  [
    'shared pages',
    pagedProblem({ ...small, qLens: [2, 1, 3], used: [7, 2, 4], pageSize: 3, pages: 'shared' }),
  ],
];

describe.each(problems)('gather of a %s problem', (_, problem) => {
  it('keeps every result', () => {
    const whole = referenceAttention(poisonUnused(problem, NaN));
    for (const order of [undefined, [2], [1, 0], [2, 2, 1]]) {
      const part = referenceAttention(gather(problem, order));
      expect(numbers(part)).toEqual(numbers(gatherState(problem, whole, order)));
    }
  });

  it('keeps no unused row', () => {
    const poisoned = gather(poisonUnused(problem, NaN));
    expect([...poisoned.q.data, ...poisoned.k.data, ...poisoned.v.data].some(Number.isNaN)).toBe(
      false,
    );
  });
});

describe('poisonUnused', () => {
  it('reaches page tails, unowned pages and rows in no sequence', () => {
    const paged = poisonUnused(pagedProblem({ ...small, qLens: [1], used: [4], pageSize: 3 }), NaN);
    const poisonedRows = paged.k.data.filter(Number.isNaN).length / 3;
    expect(poisonedRows).toBe((paged.k.shape[0] as number) * 3 - 4);
    const packed = poisonUnused(packedProblem({ ...small, qLens: [2], spareRows: [1, 1] }), NaN);
    expect([...packed.q.data.slice(-6), ...packed.k.data.slice(-3)].every(Number.isNaN)).toBe(true);
  });
});

describe('pad', () => {
  it('gives the packed results back', () => {
    const packed = packedProblem({ ...small, qLens: [2, 5, 1], options: { causal: true } });
    const padded = pad(packed);
    expect(padded.problem.q.shape).toEqual([3, 2, 5, 3]);
    expect(numbers(padded.unpad(referenceAttention(padded.problem)))).toEqual(
      numbers(referenceAttention(packed)),
    );
  });
});

describe('slices', () => {
  it('cut one axis, and turn a dense tensor into rows', () => {
    const x = { shape: [1, 2, 3, 2], data: Float32Array.from({ length: 12 }, (_, i) => i) };
    expect([...sliceAxis(x, 2, 1, 3).data]).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
    expect(rowsOf(x)).toEqual({
      shape: [3, 2, 2],
      data: Float32Array.of(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11),
    });
    expect([...cumulative([2, 0, 3])]).toEqual([0, 2, 2, 5]);
  });
});
