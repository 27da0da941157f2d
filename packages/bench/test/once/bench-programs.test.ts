import { existsSync } from 'node:fs';
import { bareVars, testGpu } from '@heed/testing';
import { chromiumLaunch } from '@heed/testing/chromium';
import { chromium } from 'playwright';
import { expect, it, test } from 'vitest';
import { openPage, runBrowserBench } from '../../src/browser/run-in-browser.ts';
import { renderMarkdown } from '../../src/gpu-box/box-report.ts';
import { runBox } from '../../src/gpu-box/run-box.ts';
import { type Prepared, problemOf } from '../../src/measure/bench-problem.ts';
import type { Timed } from '../../src/measure/bench-results.ts';
import { copySource, fmaSource, measureLimits } from '../../src/measure/roofline.ts';
import { expectedOf, judge } from '../../src/measure/verdict.ts';
import type { Workload } from '../../src/measure/workloads.ts';
import { heedPeer } from '../../src/peers/heed-peer.ts';
import { renderPlot } from '../../src/report/report-plot.ts';
import { renderTable } from '../../src/report/report-tables.ts';

const layer = { dtype: 'f32', layout: 'dense', causal: true, headDim: 8 } as const;
const rows: Workload[] = [
  {
    ...layer,
    id: 'a prefill',
    title: 'a prefill',
    headsQ: 2,
    headsKv: 2,
    sequences: [{ seqlenQ: 9, seqlenK: 9 }],
  },
  {
    ...layer,
    id: 'a step',
    title: 'a step',
    headsQ: 4,
    headsKv: 2,
    sequences: [{ seqlenQ: 1, seqlenK: 20 }],
  },
];

const program = chromiumLaunch().executablePath ?? chromium.executablePath();

test.runIf(existsSync(program))(
  'heed and onnxruntime-web in Chromium, on one device (skipped where there is no Chromium)',
  { tags: ['full'] },
  async () => {
    const lines: string[] = [];
    const peers = ['heed', 'onnxruntime-web'];
    const report = await runBrowserBench(
      { rows, peers, rounds: 2, seconds: 5 },
      { signal: new AbortController().signal, progress: (line) => lines.push(line) },
    );
    expect(report.browser).toMatch(/^Chromium \d+\./);
    expect(report.adapter).not.toBe('');
    expect(Object.keys(report.versions)).toEqual(peers);
    expect(report.rows.map(({ workload }) => workload.id)).toEqual(['a prefill', 'a step']);
    for (const { peers: results, rounds } of report.rows) {
      expect(rounds).toBe(2);
      expect(results).toMatchObject(peers.map((peer) => ({ peer, right: true })));
      for (const result of results as Timed[]) expect(result.ms.median).toBeGreaterThan(0);
    }
    const calls = report.rows.map(({ peers: [, ort] }) => (ort as Timed).how);
    expect(calls).toEqual(['MultiHeadAttention', 'GroupQueryAttention with past (appends inside)']);
    expect(lines.some((line) => line.startsWith('2/2 a step, about '))).toBe(true);
    expect(renderTable(report)).toContain(`${report.browser}, heed `);
    expect(renderPlot(report)).toContain('onnxruntime-web');
  },
);

test('without a browser, it is not measured, and says so', async () => {
  process.env['HEED_CHROMIUM'] = '/no/such/browser';
  try {
    await expect(openPage('about:blank')).rejects.toThrow(
      /^bench --browser: not measured: no Chromium with WebGPU/,
    );
  } finally {
    delete process.env['HEED_CHROMIUM'];
  }
});

test('the whole run at its smallest, without PyTorch', { tags: ['full'] }, async () => {
  const options = {
    size: 'smallest',
    cases: undefined,
    conformance: true,
    peer: 'none',
    python: 'python3',
  } as const;
  const context = { signal: new AbortController().signal, progress: () => {} };
  const report = await runBox(options, context);
  expect(report.cases.length).toBeGreaterThan(4);
  for (const { heed } of report.cases) expect(heed).toMatchObject({ right: true });
  expect(report.conformance).toMatchObject([{ counts: { fail: 0 } }]);
  expect(report.conformance[0]!.counts.pass).toBeGreaterThan(0);
  expect(renderMarkdown(report)).toContain('not measured (left out by --peer none)');
});

it('an adapter computes and copies something', async () => {
  const { gflops, gigabytes } = await measureLimits(await testGpu());
  expect(gflops).toBeGreaterThan(0);
  expect(gigabytes).toBeGreaterThan(0);
  expect(gflops + gigabytes).toBeLessThan(Infinity);
});

it('every variable has a value from the start', () => {
  for (const { code } of [copySource, fmaSource]) expect(bareVars(code)).toEqual([]);
});

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
