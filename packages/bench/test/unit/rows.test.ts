import { describe, expect, test } from 'vitest';
import { type Peer, problemOf } from '../../src/measure/bench-problem.ts';
import { expectedOf } from '../../src/measure/verdict.ts';
import type { Workload } from '../../src/measure/workloads.ts';
import { runRow } from '../../src/runs/rows.ts';

const workload: Workload = {
  id: 'small',
  title: 'small',
  dtype: 'f32',
  layout: 'dense',
  causal: true,
  headsQ: 2,
  headsKv: 2,
  headDim: 4,
  sequences: [{ seqlenQ: 3, seqlenK: 3 }],
};
const right = Float32Array.from(expectedOf(problemOf(workload)).out.data);
const wrong = right.with(5, (right[5] as number) + 0.25);
const quiet = { rounds: 3, seconds: 60, signal: new AbortController().signal, progress: () => {} };

interface Fake extends Peer {
  runs: number;
  disposed: number;
}

function fake(name: string, result: Float32Array, run: () => void = () => {}): Fake {
  const peer: Fake = {
    name,
    version: '1.0.0',
    runs: 0,
    disposed: 0,
    available: async () => undefined,
    prepare: async () => ({
      how: 'fake',
      run: async () => {
        peer.runs++;
        run();
      },
      result: () => result,
      dispose: async () => {
        peer.disposed++;
      },
    }),
    close: async () => {},
  };
  return peer;
}

const failing =
  (message: string): (() => void) =>
  () => {
    throw new Error(`${message}\nwith a second line`);
  };

describe('runRow', () => {
  test('times every program, right or wrong, and tells which', async () => {
    const peers = [fake('heed', right), fake('other', right), fake('broken', wrong)];
    const row = await runRow(workload, peers, quiet);
    expect(row).toMatchObject({
      rounds: 3,
      peers: [
        { peer: 'heed', right: true, ratio: { median: 1 } },
        { peer: 'other', right: true },
        { peer: 'broken', right: false, maxError: expect.closeTo(0.25, 3) },
      ],
    });
    expect(peers.map(({ runs, disposed }) => [runs, disposed])).toEqual([
      [5, 1],
      [5, 1],
      [5, 1],
    ]);
  });

  test('leaves out a program that does not support the row or fails, with the reason', async () => {
    const absent = { ...fake('absent', right), prepare: async () => ({ unsupported: 'f32 only' }) };
    const broken = fake('broken', right, failing('no memory'));
    const { peers } = await runRow(workload, [fake('heed', right), absent, broken], quiet);
    expect(peers.slice(1)).toEqual([
      { peer: 'absent', skipped: 'f32 only' },
      { peer: 'broken', skipped: 'no memory' },
    ]);
    expect(broken.disposed).toBe(1);
  });

  test('leaves out a program whose device reports an error, however fast it was', async () => {
    const errors: (GPUError | null)[] = [{ message: 'binding too large\n - while …' }, null];
    const device = {
      pushErrorScope: () => {},
      popErrorScope: async () => errors.shift() ?? null,
    } as unknown as GPUDevice;
    const { peers } = await runRow(
      workload,
      [{ ...fake('other', right), device: () => device }],
      quiet,
    );
    expect(peers).toEqual([{ peer: 'other', skipped: 'binding too large' }]);
  });

  test('gives no ratios without heed', async () => {
    const { peers } = await runRow(workload, [fake('other', right)], quiet);
    expect(peers[0]).not.toHaveProperty('ratio');
  });

  test('throws what heed itself throws, and frees the others', async () => {
    const other = fake('other', right);
    const heed = fake('heed', right, failing('ours'));
    await expect(runRow(workload, [other, heed], quiet)).rejects.toThrow('ours');
    expect([other.disposed, heed.disposed]).toEqual([1, 1]);
  });

  test('stops when the signal aborts, and frees everything', async () => {
    const abort = new AbortController();
    const other = fake('other', right, () => abort.abort(new Error('enough')));
    const later = fake('later', right);
    const stopping = runRow(workload, [other, later], { ...quiet, signal: abort.signal });
    await expect(stopping).rejects.toThrow('enough');
    expect([other.disposed, later.runs]).toEqual([1, 0]);
  });
});
