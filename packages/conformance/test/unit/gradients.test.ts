import {
  type NdArray,
  referenceAttention,
  type ReferenceOptions,
  type ReferenceProblem as Problem,
} from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import { areRight, sameGradients } from '../../src/cases/backward/gradient-case.ts';
import {
  denseProblem,
  normal,
  packedProblem,
  pagedProblem,
} from '../../src/problems/build-problem.ts';
import { resultGradients } from '../../src/problems/launch-backward.ts';
import { poisonUnused } from '../../src/problems/rearrange-problem.ts';
import { listContents, withLists } from '../../src/problems/selected-problem.ts';
import { generate } from '../../src/reference/nd-array.ts';
import { random } from '../../src/reference/pseudo-random.ts';
import {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from '../../src/reference/reference-gradients.ts';

const small = { dtype: 'f32', heads: [4, 2], dim: 3, dimV: 2 } as const;

const options: ReferenceOptions = {
  causal: true,
  window: [3, -1],
  scale: normal([4], random(5), 'f32'),
  softcap: generate([], () => 1.5),
  scoreMod: (score, b, h, q, kv) => (kv === q - 1 ? -Infinity : score + 0.1 * score * score),
  sinks: normal([4], random(3), 'f32'),
  alibiSlopes: normal([4], random(4), 'f32'),
  dropout: { rate: 0.4, seed: 11 },
};

const problems: Readonly<Record<string, Problem>> = {
  dense: denseProblem({ ...small, batch: 2, kvBatch: 1, lq: 5, lk: 4, options }),
  'dense used': denseProblem({ ...small, batch: 2, lq: 3, lk: 5, seqUsedK: [0, 4], options }),
  packed: packedProblem({
    ...small,
    qLens: [3, 0, 2],
    kLens: [4, 2, 0],
    spareRows: [2, 1],
    options,
  }),
  paged: pagedProblem({
    ...small,
    qLens: [2, 3],
    used: [5, 3],
    pageSize: 2,
    pages: 'shared',
    options,
  }),
};

/** Returns the inputs in float64, so that small steps do not round to 0. */
function widened(array: NdArray): NdArray {
  return { shape: array.shape, data: Float64Array.from(array.data) };
}

/** Returns Σ out·dOut + Σ lse·dLse over the rows of all sequences. */
function weighed(problem: Problem, { dOut, dLse }: ResultGradients): number {
  const { out, lse } = referenceAttention(problem);
  let sum = 0;
  out.data.forEach((x, i) => (sum += x === 0 ? 0 : x * (dOut.data[i] as number)));
  lse.data.forEach((x, i) => (sum += x === -Infinity ? 0 : x * (dLse?.data[i] as number)));
  return sum;
}

function byDifferences(of: NdArray, value: () => number): NdArray {
  const step = 1e-5;
  const data = of.data.map((x, i) => {
    const at = (moved: number): number => {
      of.data[i] = moved;
      const result = value();
      of.data[i] = x;
      return result;
    };
    return (at(x + step) - at(x - step)) / (2 * step);
  });
  return { shape: of.shape, data };
}

/** The same problems beside lists that name keys twice, out of range and not at all; and blocks of two keys. */
const listed = Object.entries(problems).flatMap(([name, problem]) =>
  [1, 2].map((blockSize): [string, Problem] => [
    `${name}, selected blocks of ${blockSize}`,
    withLists(problem, { heads: 2, entries: 6, blockSize }, listContents.mixed),
  ]),
);

describe('referenceGradients', () => {
  it.each([...Object.entries(problems), ...listed])(
    'are what differences of the forward give: %s',
    (_, given) => {
      const poisoned = poisonUnused(given, 7);
      const [sinks, alibiSlopes] = [widened(options.sinks!), widened(options.alibiSlopes!)];
      const [scale, softcap] = [options.scale, options.softcap].map((x) =>
        widened(x as NdArray),
      ) as [NdArray, NdArray];
      const problem = {
        ...poisoned,
        q: widened(poisoned.q),
        k: widened(poisoned.k),
        v: widened(poisoned.v),
        options: { ...given.options, sinks, alibiSlopes, scale, softcap },
      };
      const by = resultGradients(problem, 'f32', { lse: true });
      const got = referenceGradients(problem, by);
      const inputs = {
        dq: problem.q,
        dk: problem.k,
        dv: problem.v,
        dSinks: sinks,
        dAlibiSlopes: alibiSlopes,
        dScale: scale,
        dSoftcap: softcap,
      };
      for (const [name, input] of Object.entries(inputs)) {
        const want = byDifferences(input, () => weighed(problem, by));
        const gradient = got[name as keyof Gradients]!;
        expect(gradient.shape, name).toEqual(input.shape);
        want.data.forEach((x, i) => expect(gradient.data[i], `${name}[${i}]`).toBeCloseTo(x, 6));
      }
    },
  );
});

describe('the judgement of gradients', () => {
  const sinks = normal([4], random(3), 'f32');
  const alibiSlopes = normal([4], random(4), 'f32', 0.1);
  const problem = poisonUnused(
    packedProblem({
      ...small,
      qLens: [20, 9],
      kLens: [15, 30],
      spareRows: [1, 1],
      options: { sinks, alibiSlopes },
    }),
    NaN,
  );
  const by = resultGradients(problem, 'f32');
  const naive = naiveGradients(problem, by);
  const failures = (got: Gradients): string[] =>
    areRight('run', got, problem, by, 'f32').flatMap(({ ok, label }) => (ok ? [] : [label]));
  const changed = ({ shape, data }: NdArray, index: number, value: number): NdArray => ({
    shape,
    data: Float64Array.from(data).with(index, value),
  });

  it('lets the naive gradients pass', () => {
    expect(failures(naive)).toEqual([]);
  });

  it.each(['dq', 'dk', 'dv', 'dSinks', 'dAlibiSlopes'] as const)(
    'does not let %s pass that is off',
    (name) => {
      const gradient = naive[name]!;
      const near = (gradient.data[3] as number) + 1e-4;
      for (const value of [near, NaN, Infinity])
        expect(failures({ ...naive, [name]: changed(gradient, 3, value) })).toEqual([
          `run: ${name}`,
        ]);
    },
  );

  it('wants every gradient, and 0 in rows of no sequence', () => {
    const { dq, dk, dv } = naive;
    expect(failures({ dq, dk, dv })).toEqual(['run: dSinks', 'run: dAlibiSlopes']);
    for (const name of ['dq', 'dk', 'dv'] as const) {
      const last = naive[name].data.length - 1;
      const got = { ...naive, [name]: changed(naive[name], last, 1e-30) };
      expect(failures(got)).toEqual([`run: ${name} of unused rows`]);
    }
  });

  it('tells bits apart', () => {
    const other = { ...naive, dv: changed(naive.dv, 0, (naive.dv.data[0] as number) + 1e-9) };
    expect(sameGradients('run', naive, naive).every(({ ok }) => ok)).toBe(true);
    expect(sameGradients('run', other, naive).some(({ ok }) => !ok)).toBe(true);
  });
});
