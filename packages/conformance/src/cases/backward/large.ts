import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { generate, type NdArray } from '../../reference/nd-array.ts';
import type { Case } from '../case.ts';
import { enlarged } from './enlarged.ts';
import { layoutProblems } from './layout-problems.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const group = 'backward-large';

/** The values of flash-attention's overflow tests. */
const factors = { q: 5, k: 3, v: 3 } as const;

const lengths = [97, 128, 200, 256] as const;

const dense = lengths.flatMap((length) =>
  [false, true].flatMap((causal) =>
    gradientCase(
      group,
      `dense/length-${length}${causal ? '/causal' : ''}`,
      (dtype) =>
        enlarged(denseProblem({ ...base, dtype, lq: length, options: { causal } }), dtype, factors),
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
    enlarged(
      packedProblem({ ...base, dtype, qLens: [76, 34, 146], kLens: [1, 1, 1] }),
      dtype,
      factors,
    ),
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

/** q and k of standard deviation 12, so scores and lse of several hundred, and sinks from none at all to one that outweighs keys. */
const std12 = Object.entries(
  layoutProblems({ causal: true, sinks: generate([4], (h) => [-Infinity, 100, 400, 700][h]!) }),
).flatMap(([name, build]) =>
  [1, 3].flatMap((numSplits) =>
    gradientCase(
      group,
      `std-12/${name}${numSplits > 1 ? `/${numSplits}-splits` : ''}`,
      (dtype) => enlarged(build(dtype), dtype, { q: 8, k: 12, v: 1 }),
      {
        lse: true,
        launch: { numSplits },
        tier: numSplits === 1 || name === 'dense' ? 'quick' : 'full',
        f16Tier: numSplits === 1 && name === 'dense' ? 'quick' : 'full',
        tags: numSplits === 1 && name === 'dense' ? ['browser'] : [],
      },
    ),
  ),
);

export const largeCases: readonly Case[] = [...dense, ...packed, ...hidden, ...std12];
