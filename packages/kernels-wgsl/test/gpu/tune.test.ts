import { type Gpu, openGpu, type Tuning, type TuningEntry, ValidationError } from '@heed/core';
import {
  attention,
  type AttentionProblem,
  planAttention,
  tune,
  tuneCandidates,
  type TuneReport,
} from '@heed/kernels-wgsl';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { factsOfCall } from '../../src/host/attention-call.ts';
import { problemKey } from '../../src/select/problem-facts.ts';
import { select } from '../../src/select/selection.ts';
import { forwardAttempt } from '../../src/tune/attempts.ts';
import { attemptsOf, examine, results, type Subject } from '../../src/tune/contender.ts';
import { makeSample, type Sample, toTunable, tunableFacts } from '../../src/tune/sample.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const dense: AttentionProblem = {
  layout: 'dense',
  q: [1, 4, 40, 16],
  k: [1, 2, 40, 16],
  numSplits: 1,
};
const step: AttentionProblem = { layout: 'dense', q: [1, 4, 1, 16], k: [1, 2, 140, 16] };

const sampleOf = (problem: AttentionProblem): Sample => makeSample(gpu, toTunable('tune', problem));
const forward = (key: string, sample: Sample): Subject => {
  return { gpu, key, samples: [sample], attemptOf: forwardAttempt };
};

/** One tile beside the default, so that this takes seconds. */
const few = ({ threadsM, rowsPerThread, unroll }: TuningEntry): boolean =>
  threadsM === 16 && rowsPerThread === 1 && unroll === false;

describe('tune', () => {
  let tuning: Tuning;
  const reports: TuneReport[] = [];
  beforeAll(async () => {
    const options = {
      filter: few,
      rounds: 2,
      onReport: (one: TuneReport) => void reports.push(one),
    };
    // The second problem has the key of the first: sizes are not in it.
    const longer = { ...dense, q: [2, 4, 70, 16], k: [2, 2, 90, 16] };
    tuning = await tune(gpu, [dense, longer, step], options);
  });

  it('gives an entry for each canonical problem, and says where it was made', () => {
    const keys = [dense, step].map((problem) => tuneCandidates(gpu, problem)[0].key);
    expect(Object.keys(tuning.entries!)).toEqual(keys);
    const { isFallbackAdapter: _, ...adapter } = gpu.capabilities.adapter;
    expect(tuning).toMatchObject({ version: 1, adapter });
    expect(JSON.parse(JSON.stringify(tuning))).toEqual(tuning);
  });

  it('reports how each candidate fared, the default first', () => {
    expect(reports.map(({ key, chosen }) => [key, chosen])).toEqual(
      Object.entries(tuning.entries!),
    );
    for (const { candidates, source } of reports) {
      expect(candidates[0]).toMatchObject({ status: 'timed', ratio: 1 });
      expect(candidates.map(({ status }) => ['timed', 'dropped'].includes(status))).not.toContain(
        false,
      );
      expect(candidates.every(({ ms, compileMs }) => ms! > 0 && compileMs! > 0)).toBe(true);
      expect(source).toMatch(gpu.capabilities.timestampQuery ? /timestamp|wall/ : /wall/);
    }
    const [first, second] = reports.map(({ candidates }) => candidates.map(({ entry }) => entry));
    expect(first!.some(few)).toBe(true);
    expect(second!.filter((entry) => 'splits' in entry)).toHaveLength(1);
  });

  it('chooses what openGpu takes and plans and calls then use', async () => {
    const stored = JSON.parse(JSON.stringify(tuning)) as Tuning;
    using tuned = await openGpu({ device: gpu.device, tuning: stored });
    for (const problem of [dense, step]) {
      using plan = planAttention(tuned, problem);
      expect(plan.describe()).toContain(', tuned: ');
    }
    using other = planAttention(tuned, { ...dense, dtype: 'f16' });
    expect(other.describe()).toContain('not tuned: no entry for this problem');
  });

  it('gives results that are right, whatever was chosen', async () => {
    const [{ key }] = tuneCandidates(gpu, dense);
    const entry = { path: 'portable', threadsM: 16, rowsPerThread: 1, unroll: false };
    using tuned = await openGpu({
      device: gpu.device,
      tuning: { version: 1, entries: { [key]: entry } },
    });
    const run = async (on: Gpu): Promise<ArrayLike<number>> => {
      const source = new TensorSource(on, 5, 64);
      const [q, k, v] = [4, 2, 2].map((heads) => source.normal([1, heads, 40, 16]));
      return attention(q!, k!, v!, { causal: true, numSplits: 1 }).out.read();
    };
    const want = await run(gpu);
    expect(await run(tuned)).toMatchTensor(want, { tolerance: 2e-6 });
  });
});

describe('a time budget', () => {
  it('that is spent leaves problems without an entry, and says so', async () => {
    const reports: TuneReport[] = [];
    const onReport = (one: TuneReport): void => void reports.push(one);
    const tuning = await tune(gpu, [dense], { seconds: 0, onReport });
    expect(tuning.entries).toEqual({});
    expect(reports[0]!.chosen).toBeUndefined();
    expect(reports[0]!.candidates.every(({ status }) => status === 'skipped')).toBe(true);
  });
});

describe('tune stops', () => {
  it('on a signal, with its reason', async () => {
    const control = new AbortController();
    const labels: string[] = [];
    const onProgress = (label: string): void => {
      labels.push(label);
      control.abort('enough');
    };
    const stopped = tune(gpu, [dense], { filter: few, signal: control.signal, onProgress });
    await expect(stopped).rejects.toBe('enough');
    expect(labels).toHaveLength(1);
  });

  it('at a problem that cannot be, or has nothing to compute', async () => {
    await expect(tune(gpu, [{ ...dense, q: [4, 40, 16] }])).rejects.toThrow(
      'tune: q must be a shape of rank 4',
    );
    const empty = tune(gpu, [{ ...dense, k: [1, 2, 0, 16] }]);
    await expect(empty).rejects.toThrow(ValidationError);
    await expect(empty).rejects.toThrow('tune: a problem needs queries and keys');
  });
});

describe('a candidate', () => {
  const options = { compileSeconds: 60, signal: undefined };
  const subject = (): { entry: TuningEntry; of: Subject } => {
    const [{ key, tiles }] = tuneCandidates(gpu, dense);
    return { entry: { ...tiles[0]! }, of: forward(key, sampleOf(dense)) };
  };

  it('whose result is not the default’s is wrong, and not timed', async () => {
    const { entry, of } = subject();
    const wanted = await results(attemptsOf(of, entry));
    expect(await examine(of, entry, wanted, options)).not.toHaveProperty('status');
    const others = wanted.map(({ values, dtype }) => ({
      dtype,
      values: Float32Array.from(values, (x, i) => (i === 77 ? x + 0.01 : x)),
    }));
    expect(await examine(of, entry, others, options)).toMatchObject({
      status: 'wrong',
      reason: expect.stringContaining('element 77 is'),
    });
    of.samples[0]!.dispose();
  });

  it('that takes too long to compile is slow, and not timed', async () => {
    const { entry, of } = subject();
    const wanted = await results(attemptsOf(of, entry));
    const limit = { ...options, compileSeconds: 1e-9 };
    expect(await examine(of, entry, wanted, limit)).toMatchObject({ status: 'slow' });
    of.samples[0]!.dispose();
  });

  it('is never the default in disguise', () => {
    const { of } = subject();
    const other = { ...tuneCandidates(gpu, dense)[0].tiles[1]! };
    expect(attemptsOf(of, other)[0]!.tile).toEqual(other);
    expect(() => attemptsOf({ ...of, key: 'another' }, other)).toThrow(
      'did not lead to its own entry',
    );
    of.samples[0]!.dispose();
  });
});

it('products of integers are tried on request, and agree with the default', async ({ skip }) => {
  skip(!gpu.capabilities.integerDots, 'it needs products of packed integers');
  const pages = { layout: 'paged', format: 'int8', headDim: 64, headDimV: 64 } as const;
  const shapes = { q: [3, 4, 64], k: [20, 16, 2, 17], v: [20, 16, 2, 17], sequences: 3 } as const;
  const reports: TuneReport[] = [];
  await tune(gpu, [{ ...pages, ...shapes, dtype: 'f16' }], {
    integers: true,
    filter: ({ path, lanes, keysPerLane }) =>
      path === 'integers' && lanes === 8 && keysPerLane === 2,
    rounds: 2,
    onReport: (one) => void reports.push(one),
  });
  const [, other] = reports[0]!.candidates;
  expect(other).toMatchObject({ entry: { path: 'integers' } });
  expect(['timed', 'dropped']).toContain(other!.status);
});

describe('a sample', () => {
  const packed = { layout: 'varlen', q: [50, 4, 16], k: [70, 2, 16], sequences: 3 } as const;
  const paged = { layout: 'paged', q: [5, 4, 16], k: [16, 4, 2, 16], sequences: 5 } as const;
  const words = { format: 'int8', headDim: 16, headDimV: 16, k: [16, 4, 2, 5] } as const;

  it.for<[string, AttentionProblem]>([
    ['dense', dense],
    ['decode', step],
    ['f16', { ...step, dtype: 'f16' }],
    ['with v of another width', { ...dense, v: [1, 2, 40, 24] }],
    ['packed', packed],
    ['packed, few rows each', { ...packed, sequences: 50 }],
    ['paged', paged],
    ['int8 pages', { ...paged, ...words }],
    [
      'all options',
      { ...dense, causal: true, window: true, softcap: true, alibiSlopes: true, sinks: true },
    ],
    ['window and lse', { ...dense, window: true, returnLse: true, numSplits: 3 }],
  ])('is a call of its problem: %s', ([, problem]) => {
    const { call, dispose } = sampleOf(problem);
    const { use } = select(tunableFacts('tune', gpu, toTunable('tune', problem)), gpu.capabilities);
    const facts = factsOfCall(call);
    expect(problemKey(facts, use)).toBe(tuneCandidates(gpu, problem)[0].key);
    expect(select(facts, gpu.capabilities).use).toBe(use);
    dispose();
  });

  it('of quantised pages holds numbers', async () => {
    const problem = { ...paged, ...words } as AttentionProblem;
    const [{ key, tiles }] = tuneCandidates(gpu, problem);
    const of = forward(key, sampleOf(problem));
    const [out] = await results(attemptsOf(of, { ...tiles[0]! }));
    const values = Array.from(out!.values);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(100);
    of.samples[0]!.dispose();
  });
});
