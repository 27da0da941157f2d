import { type Gpu, openGpu, type Tuning, type TuningEntry } from '@heed/core';
import { poisonMemory } from '@heed/core/kernel';
import {
  type AttentionProblem,
  attentionVjp,
  planAttention,
  tune,
  tuneCandidates,
  type TuneReport,
} from '@heed/kernels-wgsl';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { gradientAttempt } from '../../src/tune/attempts.ts';
import { attemptsOf, examine, results, type Subject } from '../../src/tune/contender.ts';
import { makeSample, toTunable } from '../../src/tune/sample.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const problem = {
  layout: 'dense',
  q: [1, 4, 40, 16],
  k: [1, 2, 40, 16],
  numSplits: 1,
  causal: true,
  backward: true,
} as const;

/** One tile beside the default, so that this takes seconds; of no device is it the default. */
const other = { path: 'portable', threadsM: 16, rowsPerThread: 1, unroll: false } as const;
const isOther = ({ threadsM, rowsPerThread, unroll }: TuningEntry): boolean =>
  threadsM === other.threadsM && rowsPerThread === other.rowsPerThread && unroll === other.unroll;

const reasons = (on: Gpu): string[] => {
  using plan = planAttention(on, problem);
  return plan.describe().split('\n').slice(0, 3);
};

describe('tune with backward', () => {
  let tuning: Tuning;
  const reports: TuneReport[] = [];
  beforeAll(async () => {
    const onReport = (one: TuneReport): void => void reports.push(one);
    tuning = await tune(gpu, [problem], { filter: isOther, rounds: 2, onReport });
  });

  it('gives an entry for the forward pass and for each gradient', () => {
    const keys = tuneCandidates(gpu, problem).map(({ key }) => key);
    expect(keys.map((key) => key.split(' ')[0])).toEqual(['forward', 'dq', 'dkv']);
    expect(Object.keys(tuning.entries!)).toEqual(keys);
    expect(tuneCandidates(gpu, { ...problem, backward: false })).toHaveLength(1);
  });

  it('times each beside its default, whose results it has', () => {
    for (const { candidates } of reports) {
      expect(candidates[0]).toMatchObject({ status: 'timed', ratio: 1 });
      expect(candidates.some(({ entry }) => isOther(entry))).toBe(true);
      for (const { status, ms } of candidates) {
        expect(['timed', 'dropped']).toContain(status);
        expect(ms).toBeGreaterThan(0);
      }
    }
  });

  it('chooses what plans then use', async () => {
    const stored = JSON.parse(JSON.stringify(tuning)) as Tuning;
    using tuned = await openGpu({ device: gpu.device, tuning: stored });
    expect(reasons(tuned)).toEqual([
      expect.stringMatching(/^prefill, tuned: /),
      expect.stringMatching(/^dq, tuned: /),
      expect.stringMatching(/^dk and dv, tuned: /),
    ]);
    expect(reasons(gpu)[1]).toMatch(/^dq, default for class /);
  });
});

describe('an entry for gradients', () => {
  const tuning = (): Tuning => {
    const [, ...gradients] = tuneCandidates(gpu, problem);
    const entries = Object.fromEntries(gradients.map(({ key }) => [key, other]));
    return { version: 1, entries };
  };

  it('is what a call runs, with gradients that are right', async () => {
    using tuned = await openGpu({ device: gpu.device, tuning: tuning() });
    const run = async (on: Gpu): Promise<{ labels: string[]; values: ArrayLike<number>[] }> => {
      const source = new TensorSource(on, 5, 64);
      const [q, k, v] = [4, 2, 2].map((heads) => source.normal([1, heads, 40, 16]));
      const { backward } = attentionVjp(q!, k!, v!, { causal: true, numSplits: 1 });
      const dOut = source.normal([1, 4, 40, 16]);
      const { result, spans } = await on.profile(() => backward(dOut));
      const values = [];
      for (const one of [result.dq, result.dk, result.dv]) values.push(await one.read());
      return { labels: spans.map(({ label }) => label), values };
    };
    const [got, want] = [await run(tuned), await run(gpu)];
    for (const of of ['dq', 'dkv']) {
      const label = got.labels.find((one) => one.includes(`backward ${of} `));
      expect(label).toContain('path=portable threadsM=16 rowsPerThread=1 unroll=false');
    }
    for (const [i, values] of got.values.entries()) {
      expect(values).toMatchTensor(want.values[i]!, { tolerance: 5e-6 });
    }
  });
});

describe('a candidate for a gradient', () => {
  const options = { compileSeconds: 60, signal: undefined };
  const subjectOf = (of: 'q' | 'kv', some: AttentionProblem): Subject => {
    const [, dq, dkv] = tuneCandidates(gpu, some);
    const { key } = of === 'q' ? dq! : dkv!;
    const samples = [makeSample(gpu, toTunable('tune', some))];
    return { gpu, key, samples, attemptOf: gradientAttempt(of) };
  };

  it.for([
    ['q', 0],
    ['kv', 0],
    ['kv', 1],
  ] as const)('d%s whose result %i is not the default’s is wrong', async ([of, at]) => {
    const subject = subjectOf(of, problem);
    const wanted = await results(attemptsOf(subject, { ...other }));
    expect(wanted).toHaveLength(of === 'q' ? 1 : 2);
    expect(await examine(subject, { ...other }, wanted, options)).not.toHaveProperty('status');
    const values = Float32Array.from(wanted[at]!.values, (x, i) => (i === 77 ? x + 0.1 : x));
    const others = wanted.map((one, i) => (i === at ? { ...one, values } : one));
    expect(await examine(subject, { ...other }, others, options)).toMatchObject({
      status: 'wrong',
      reason: expect.stringContaining('element 77 is'),
    });
    subject.samples[0]!.dispose();
  });

  it('leaves no right result in memory that the next may get', async () => {
    const again = poisonMemory(gpu, false);
    const subject = subjectOf('q', problem);
    await results(attemptsOf(subject, { ...other }));
    using next = gpu.empty(problem.q);
    expect((await next.read()).every(Number.isNaN)).toBe(true);
    subject.samples[0]!.dispose();
    again();
  });

  const some: readonly [string, AttentionProblem][] = [
    [
      'f16, packed',
      { layout: 'varlen', dtype: 'f16', q: [40, 4, 16], k: [40, 2, 16], sequences: 3 },
    ],
    ['pages', { layout: 'paged', q: [20, 4, 16], k: [8, 4, 2, 16], sequences: 2 }],
    [
      'sinks and slopes',
      { ...problem, sinks: true, alibiSlopes: true, softcap: true, window: true },
    ],
  ];

  it.for(some)('of %s has the default’s results', { tags: ['full'] }, async (one) => {
    const given = { ...one[1], backward: true };
    const subject = subjectOf('kv', given);
    const first = { ...tuneCandidates(gpu, given)[2]!.tiles[0]! };
    const wanted = await results(attemptsOf(subject, first));
    expect(await examine(subject, { ...other }, wanted, options)).not.toHaveProperty('status');
    subject.samples[0]!.dispose();
  });
});
