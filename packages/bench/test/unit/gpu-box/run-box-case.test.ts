import { describe, expect, test } from 'vitest';
import { casesOf, scales } from '../../../src/gpu-box/box-cases.ts';
import { expectedAt, probesOf, type Program } from '../../../src/gpu-box/box-probes.ts';
import { runCase } from '../../../src/gpu-box/run-box-case.ts';

const [boxCase] = casesOf(scales.smallest) as [ReturnType<typeof casesOf>[number]];
const right = expectedAt(boxCase, probesOf(boxCase)).map(({ want }) => Float64Array.from(want));
const wrong = right.map((values) => values.with(3, values[3]! + 0.05));
const quiet = {
  rounds: 3,
  seconds: 60,
  sampleMs: 8,
  signal: new AbortController().signal,
  progress: () => {},
};

interface Fake extends Program {
  readonly asked: number[];
  disposed: number;
}

function fake(name: string, ms: number, samples = right): Fake {
  const program: Fake = {
    name,
    asked: [],
    disposed: 0,
    load: async () => ({
      how: 'fake',
      samples,
      time: async (calls) => {
        program.asked.push(calls);
        return { ms, gpuMs: ms / 2 };
      },
      dispose: async () => void program.disposed++,
    }),
  };
  return program;
}

describe('runCase', () => {
  test('gives each program’s own time, and heed’s speed as a share of the other’s', async () => {
    const [heed, peer] = [fake('heed', 4), fake('PyTorch', 1)];
    const result = await runCase(boxCase, heed, peer, quiet);
    expect(result).toMatchObject({
      calls: 2,
      heed: { right: true, ms: { median: 4 }, gpuMs: { median: 2 }, samples: [4, 4, 4] },
      peer: { right: true, ms: { median: 1 } },
      speedOfPeer: { median: 0.25 },
    });
    // One call to find the calls per sample, one round to warm up, three timed rounds.
    expect([heed.asked, peer.asked]).toEqual([
      [1, 2, 2, 2, 2],
      [1, 8, 8, 8, 8],
    ]);
    expect([heed.disposed, peer.disposed]).toEqual([1, 1]);
  });

  test('marks a wrong result of either', async () => {
    const result = await runCase(boxCase, fake('heed', 1, wrong), fake('PyTorch', 1, wrong), quiet);
    expect(result).toMatchObject({ heed: { right: false }, peer: { right: false } });
    expect(result.heed).toMatchObject({ maxError: expect.closeTo(0.05, 5) });
  });

  test('too few values are wrong', async () => {
    const result = await runCase(boxCase, fake('heed', 1, []), { notMeasured: 'absent' }, quiet);
    expect(result.heed).toMatchObject({ right: false });
  });

  test('measures heed alone where the other is missing, refuses or fails', async () => {
    const refusing = { ...fake('PyTorch', 1), load: async () => ({ unsupported: 'not f16' }) };
    const failing = { ...fake('PyTorch', 1), load: () => Promise.reject(new Error('no memory')) };
    for (const [peer, reason] of [
      [{ notMeasured: 'absent' }, 'absent'],
      [refusing, 'not f16'],
      [failing, 'no memory'],
    ] as const) {
      const result = await runCase(boxCase, fake('heed', 1), peer, quiet);
      expect(result).toMatchObject({ heed: { right: true }, peer: { notMeasured: reason } });
      expect(result).not.toHaveProperty('speedOfPeer');
    }
  });

  test('a failure of heed is told, and the other measured all the same', async () => {
    const failing = { ...fake('heed', 1), load: () => Promise.reject(new Error('too large')) };
    const result = await runCase(boxCase, failing, fake('PyTorch', 3), quiet);
    expect(result).toMatchObject({
      heed: { notMeasured: 'too large' },
      peer: { ms: { median: 3 } },
    });
  });
});
