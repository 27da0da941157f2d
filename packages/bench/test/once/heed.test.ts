import { testGpu } from '@heed/testing';
import { expect, test } from 'vitest';
import { expectedOf } from '../../src/expected.ts';
import { problemOf } from '../../src/inputs.ts';
import type { Prepared } from '../../src/peer.ts';
import { heedPeer } from '../../src/peers/heed.ts';
import { judge } from '../../src/verdict.ts';
import type { Workload } from '../../src/workloads.ts';

const base: Workload = {
  id: 'small',
  title: 'small',
  dtype: 'f32',
  layout: 'dense',
  causal: true,
  headsQ: 4,
  headsKv: 2,
  headDim: 64,
  sequences: [
    { seqlenQ: 1, seqlenK: 70 },
    { seqlenQ: 1, seqlenK: 70 },
  ],
};
const self = (...lengths: number[]): Workload['sequences'] =>
  lengths.map((length) => ({ seqlenQ: length, seqlenK: length }));

test.each<[string, Partial<Workload>]>([
  ['dense', { causal: false, sequences: self(33, 33) }],
  ['dense causal f16', { dtype: 'f16', sequences: self(33, 33) }],
  ['cached decode', {}],
  ['dense with a window and sinks', { window: 20, sinks: true, sequences: self(33, 33) }],
  ['decode with a window and sinks', { window: 20, sinks: true }],
  ['paged', { layout: 'paged', pageSize: 8, sequences: self(33, 1, 40) }],
  [
    'paged decode f16',
    {
      layout: 'paged',
      pageSize: 16,
      dtype: 'f16',
      sequences: [
        { seqlenQ: 1, seqlenK: 70 },
        { seqlenQ: 2, seqlenK: 5 },
      ],
    },
  ],
  ['packed', { layout: 'packed', sequences: self(33, 1, 40) }],
])('heed as a program of the benchmark is right: %s', async (_, change) => {
  const workload = { ...base, ...change };
  const problem = problemOf(workload);
  const prepared = (await heedPeer('0.0.0', testGpu).prepare(problem)) as Prepared;
  await prepared.run();
  expect(judge('heed', workload, prepared.result(), expectedOf(problem))).toMatchObject({
    right: true,
  });
  await prepared.dispose();
});
