import { naiveMerge, referenceMerge } from '../../src/reference/reference-attention.ts';
import {
  type AttentionState,
  type ReferenceProblem as Problem,
  referenceAttention,
} from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import { denseProblem, packedProblem } from '../../src/problems/build-problem.ts';
import { sliceAxis } from '../../src/reference/nd-array.ts';

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
    const nothing = keys(0, 0);
    expect(referenceMerge([nothing, nothing])).toEqual(nothing);
    expect(() => referenceMerge([])).toThrow(RangeError);
  });
});
