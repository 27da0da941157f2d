import { describe, expect, test } from 'vitest';
import type { ComparisonResult, Placed, Report } from '../../../src/measure/bench-results.ts';
import { summarize } from '../../../src/measure/timing.ts';
import { changesSince, leftOut, renderChanges } from '../../../src/report/report-changes.ts';
import { sampleReport } from './sample-report.ts';

const placed = (name: string, ms: number, ratio: number): Placed => ({
  name,
  how: name,
  firstUseMs: 1,
  ms: summarize([ms]),
  ratio: summarize([ratio]),
  samples: [ms],
});

const comparison = (...times: Placed[]): ComparisonResult => ({
  id: 'some',
  title: 'some work',
  rounds: 9,
  placed: times,
  skipped: [],
});

const run = (times: Placed[], change: Partial<Report> = {}): Report => ({
  ...sampleReport,
  comparisons: [comparison(...times)],
  ...change,
});

const before = run([placed('plain', 10, 1), placed('mod', 11, 1.1)]);

describe('changesSince', () => {
  test('compares heed’s rows with the roof, calls with the first of their comparison', () => {
    const now = run([placed('plain', 10, 1), placed('mod', 22, 2.2)]);
    const changes = changesSince(before, now);
    expect(changes.map(({ id, name }) => `${id}: ${name}`)).toEqual([
      'prefill-f32: heed',
      'some: plain',
      'some: mod',
    ]);
    // 2 GFLOP at 100 GFLOP/s is 20 ms, half of heed's 40.
    expect(changes[0]).toMatchObject({ before: 2, now: 2, unit: 'time / roof' });
    expect(changes[2]).toMatchObject({ before: 1.1, now: 2.2, unit: 'time / first' });
  });

  test('a machine of half the speed changes nothing', () => {
    const slow = run([placed('plain', 20, 1), placed('mod', 22, 1.1)], {
      limits: { gflops: 50, gigabytes: 5 },
    });
    const [row, plain, mod] = changesSince(before, slow);
    expect(row!.now).toBe(row!.before / 2); // its 40 ms are now as fast as the roof
    expect([plain!.now, mod!.now]).toEqual([plain!.before, mod!.before]);
  });

  test('leaves out what only one run has', () => {
    expect(changesSince(before, run([placed('other', 1, 1)]))).toHaveLength(1);
  });

  test('refuses a run of another adapter', () => {
    expect(() => changesSince({ ...before, adapter: 'another' }, before)).toThrow(
      /another adapter, another; this one is some <adapter>/,
    );
  });

  test('refuses to compare a page with Node', () => {
    expect(() => changesSince(before, { ...before, browser: 'Chromium 1' })).toThrow(
      /stored run was made in Node, this one in a page/,
    );
  });
});

describe('renderChanges', () => {
  test('names what is slower or faster by over 10 %, the worst first', () => {
    const now = run([placed('plain', 8, 1), placed('mod', 22, 2.2)]);
    expect(`\n${renderChanges(changesSince(before, now), before.date)}`).toMatchInlineSnapshot(`
      "
      Since the run of 2026-11-21T10:00:00.000Z: 1 of 3 times within 10 %, the others:
        SLOWER  2.00×  1.10 → 2.20             time / first  some: mod
        faster  0.80×  1.00 → 0.80  time × arithmetic limit  some: plain
      "
    `);
  });

  test('says where a change may be chance', () => {
    const now = run([placed('plain', 20, 1), placed('mod', 11, 1.1)]);
    const few = { ...now, comparisons: now.comparisons.map((one) => ({ ...one, rounds: 2 })) };
    const text = renderChanges(changesSince(before, few), before.date);
    expect(text).toContain('some: plain (may be chance: 2 rounds)');
    expect(renderChanges(changesSince(before, now), before.date)).not.toContain('chance');
  });

  test('is one line when nothing is', () => {
    const text = renderChanges(changesSince(before, before), before.date);
    expect(text).toBe('Since the run of 2026-11-21T10:00:00.000Z: 3 of 3 times within 10 %\n');
  });

  test('tells what was stored and not run again', () => {
    const now = { ...before, comparisons: [] };
    const missing = leftOut(before, now);
    expect(missing).toEqual(['some']);
    expect(leftOut(now, before)).toEqual([]);
    const text = renderChanges(changesSince(before, now), before.date, missing);
    expect(text).toContain(
      '1 of 1 times within 10 %\nStored but not run now, so not compared: some.',
    );
  });
});
