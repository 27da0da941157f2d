import type { Report, Timed } from '../../../src/measure/bench-results.ts';
import { summarize } from '../../../src/measure/timing.ts';
import { workloads } from '../../../src/measure/workloads.ts';

const timed = (peer: string, ms: number, change: Partial<Timed> = {}): Timed => ({
  peer,
  how: 'attention(q, k, v)',
  firstUseMs: 1234,
  right: true,
  maxError: 2e-7,
  limit: 1e-4,
  ms: summarize([ms]),
  gflops: 100 / ms,
  ratio: summarize([ms / 40]),
  samples: [ms],
  ...change,
});

/** heed at 40 ms, one right program, one wrong, one that did not run. */
export const sampleReport: Report = {
  date: '2026-11-21T10:00:00.000Z',
  adapter: 'some <adapter> & driver',
  node: '24.0.0',
  limits: { gflops: 100, gigabytes: 10 },
  versions: { heed: '0.1.0', other: '2.0.0', broken: '3.0.0', absent: '4.0.0' },
  comparisons: [],
  rows: [
    {
      workload: workloads[0] as (typeof workloads)[number],
      flops: 2e9,
      bytes: 1e6,
      rounds: 5,
      peers: [
        timed('heed', 40),
        timed('other', 60),
        timed('broken', 90, { right: false, maxError: 0.3 }),
        { peer: 'absent', skipped: 'computes in f32 only' },
      ],
    },
  ],
};
