import { expect, test } from 'vitest';
import { checkRow } from '../lib/checks.mjs';
import { summaryText, tierCounts } from '../lib/summary.mjs';
import { sizesText } from '../pack.mjs';

test('a tier that passed keeps its counts', () => {
  expect(tierCounts({ passed: 3, failed: 0, skipped: 1 }, 0)).toEqual({
    passed: 3,
    failed: 0,
    skipped: 1,
  });
});

test('a tier without a report, without a test or with a bad exit has failed', () => {
  expect(tierCounts(undefined, 1).failed).toBe(1);
  expect(tierCounts({ passed: 0, failed: 0, skipped: 2 }, 0).failed).toBe(1);
  expect(tierCounts({ passed: 3, failed: 0, skipped: 0 }, 1).failed).toBe(1);
});

test('a tier whose tests are all left to the full run has not failed', () => {
  expect(tierCounts({ passed: 0, failed: 0, skipped: 0, left: 4 }, 0).failed).toBe(0);
});

test('failures are not counted twice', () => {
  expect(tierCounts({ passed: 3, failed: 2, skipped: 0 }, 1).failed).toBe(2);
});

const tier = { failed: 0, skipped: 0 };

test('a tier that did not run stands in the table with its reason, and the totals stand alone', () => {
  const text = summaryText([
    { ...tier, name: 'unit', adapter: 'no GPU', passed: 12, seconds: 1 },
    { ...tier, name: 'gpu', reason: 'skipped: no hardware adapter', passed: 0, skipped: 1 },
    { ...tier, name: 'gpu-browser', reason: 'chromium does not start', passed: 0, failed: 1 },
  ]);
  expect(text).toMatchInlineSnapshot(`
    "tier         adapter                       passed  failed  skipped  left  wall s  CPU s  pipelines
    unit         no GPU                        12      0       0              1.0
    gpu          skipped: no hardware adapter                  1
    gpu-browser  chromium does not start               1

    12 passed, 1 failed, 1 skipped"
  `);
});

test('processor time stands beside its budget; a budget that is exceeded by more than a fifth is named', () => {
  const rows = [
    { ...tier, name: 'unit', passed: 12, seconds: 50, cpuSeconds: 107, budget: 90 },
    {
      ...tier,
      name: 'once',
      passed: 3,
      left: 9,
      seconds: 80,
      cpuSeconds: 73,
      budget: 60,
      pipelines: 20,
    },
  ];
  expect(summaryText(rows, { seconds: 131, cores: 2 })).toMatchInlineSnapshot(`
    "tier  adapter  passed  failed  skipped  left  wall s  CPU s      pipelines
    unit           12      0       0              50.0    107 of 90
    once           3       0       0        9     80.0    73 of 60   20

    2.2 min; 3.0 min of processor time on 2 cores
    over budget: once took 73 s of processor time, not 60 s
    15 passed, 0 failed, 0 skipped"
  `);
});

test('a check has passed if its task did in every package, and one that was left out has failed', () => {
  const record = (exitCode, startTime, endTime, status = 'MISS') => ({
    cache: { status },
    execution: { exitCode, startTime, endTime },
  });
  const cached = record(0, 9000, 9001, 'HIT');
  const passed = { name: 'check api', passed: 1, failed: 0, skipped: 0 };
  expect(checkRow('check api', [record(0, 1000, 3000), record(0, 2000, 4500), cached])).toEqual({
    ...passed,
    adapter: '',
    seconds: 3.5,
  });
  expect(checkRow('check api', [cached])).toEqual({ ...passed, adapter: 'cached', seconds: 0 });
  const failed = { passed: 0, failed: 1 };
  expect(checkRow('check api', [record(0, 0, 1), record(1, 0, 1)])).toMatchObject(failed);
  expect(checkRow('check api', [record(0, 0, 1), { cache: { status: 'MISS' } }])).toMatchObject(
    failed,
  );
  expect(checkRow('check api', [])).toMatchObject(failed);
});

test('the table of sizes names what is too large, and the target where there is one', () => {
  const text = sizesText([
    { name: '@heed/core', size: 10_412, sizeLimit: 10_500, passed: true },
    { name: '@heed/onnx without core', size: 1_260, sizeLimit: 1_100, passed: false },
  ]);
  expect(text).toMatchInlineSnapshot(`
    "import                     kB         limit  target
    @heed/core               10.4          10.5    12.0
    @heed/onnx without core   1.3  1.1 exceeded"
  `);
});
