import { type FloatDType, toStorage } from '../../numerics/storage.ts';
import { denseProblem, packedProblem } from '../../problems/build.ts';
import { generate, type NdArray } from '../../reference/nd-array.ts';
import type { Problem } from '../../reference/problem.ts';
import type { Case } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const group = 'backward-large';

/** q times 5, k and v times 3: the values of flash-attention's overflow tests. */
function enlarged(problem: Problem, dtype: FloatDType): Problem {
  const times = (x: NdArray, factor: number): NdArray =>
    generate(x.shape, (i) => toStorage(factor * x.data[i]!, dtype));
  const { q, k, v } = problem;
  return { ...problem, q: times(q, 5), k: times(k, 3), v: times(v, 3) };
}

const lengths = [97, 128, 200, 256] as const;

const dense = lengths.flatMap((length) =>
  [false, true].flatMap((causal) =>
    gradientCase(
      group,
      `dense/length-${length}${causal ? '/causal' : ''}`,
      (dtype) => enlarged(denseProblem({ ...base, dtype, lq: length, options: { causal } }), dtype),
      {
        tier: length === 97 ? 'quick' : 'full',
        f16Tier: length === 97 && causal ? 'quick' : 'full',
        tags: length === 97 && causal ? ['browser'] : [],
      },
    ),
  ),
);

/** Few keys under many queries, from its overflow test of packed sequences. */
const packed = gradientCase(
  group,
  'packed/1-to-3-keys',
  (dtype) =>
    enlarged(packedProblem({ ...base, dtype, qLens: [76, 34, 146], kLens: [1, 1, 1] }), dtype),
  { f16Tier: 'full' },
);

/** Keys and values that every mask hides hold the largest finite numbers: products with them overflow, and do no harm. */
const hiddenHuge: Build = (dtype) => {
  const [lq, lk] = [33, 70];
  const huge = dtype === 'f16' ? 65504 : 3e38;
  const options = { causal: true, align: 'start' } as const;
  const built = denseProblem({ ...base, dtype, lq, lk, options });
  const raise = (x: NdArray): NdArray =>
    generate(x.shape, (i) => {
      const key = Math.floor(i / base.dim) % lk;
      return key < lq ? x.data[i]! : i % 2 === 0 ? huge : -huge;
    });
  return { ...built, k: raise(built.k), v: raise(built.v) };
};

const hidden = gradientCase(group, 'hidden-huge-keys', hiddenHuge, {
  f16Tier: 'full',
  tags: ['browser'],
});

export const largeCases: readonly Case[] = [...dense, ...packed, ...hidden];
