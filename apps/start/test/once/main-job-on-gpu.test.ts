import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testGpu } from '@heed/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runMainJob } from '../../src/main-job.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-start-'));
});
afterEach(() => rm(root, { recursive: true }));

const options = { tokens: 200, signal: new AbortController().signal, progress: () => {} };

test('packed, padded and cached attention over a folder of documents agree with float64', async () => {
  const words = 'attention reads what the query asks for ';
  await writeFile(join(root, 'long.md'), words.repeat(40));
  await writeFile(join(root, 'short.md'), words);
  await writeFile(join(root, 'one.ts'), 'x');
  const report = await runMainJob(await testGpu(), { ...options, root });
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.checks).toHaveLength(3);
  expect(report).toMatchObject({ verdict: 'right' });
  expect(report.tokens).toBeLessThanOrEqual(200);
  expect(report.paddingSaved).toBeCloseTo(1 - report.tokens / (report.documents * report.longest));
});

test('a folder without documents is an error that says so', async () => {
  const running = runMainJob(await testGpu(), { ...options, root });
  await expect(running).rejects.toThrow(/no tokens in 0 documents/);
});
