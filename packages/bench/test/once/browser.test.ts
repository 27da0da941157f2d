import { existsSync } from 'node:fs';
import { chromiumLaunch } from '@heed/testing/chromium';
import { chromium } from 'playwright';
import { expect, test } from 'vitest';
import { openPage } from '../../src/browser/chromium.ts';
import { runBrowserBench } from '../../src/browser/run.ts';
import { renderPlot } from '../../src/report/plot.ts';
import { renderTable } from '../../src/report/table.ts';
import type { Timed } from '../../src/results.ts';
import type { Workload } from '../../src/workloads.ts';

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
