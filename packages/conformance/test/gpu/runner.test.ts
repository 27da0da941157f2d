import { runConformance } from '@heed/conformance';
import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/run/run-conformance.ts';

describe('runConformance', () => {
  it('runs the selected cases in order, tells how far it is, and reports as plain JSON', async () => {
    const seen: Progress[] = [];
    const report = await runConformance(await testGpu(), {
      filter: ['canary', 'merge/empty-with-empty'],
      onProgress: (progress) => seen.push(progress),
    });
    const ids = [
      'canary/variable-in-a-loop/f32',
      'merge/empty-with-empty/f32',
      'merge/empty-with-empty/f16',
    ];
    expect(report.cases.map((c) => c.id)).toEqual(ids);
    expect(report.counts).toEqual({ pass: 3, fail: 0, unsupported: 0 });
    expect(report.pipelines).toBeGreaterThan(0);
    expect(seen.map(({ done, total, last }) => [done, total, last.id])).toEqual(
      ids.map((id, i) => [i + 1, 3, id]),
    );
    const digits = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(report.cases.map((c) => c.outputs)).toEqual([
      { last: digits, 'last#2': digits },
      { out: digits, lse: digits },
      { out: digits, lse: digits },
    ]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('records what the canary saw', async () => {
    const { cases } = await runConformance(await testGpu(), { filter: 'canary' });
    expect(cases[0]?.report).toMatch(/this adapter (shows|does not show) the compiler fault/);
  });

  it('stops between two cases on abort', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const run = runConformance(await testGpu(), {
      filter: 'merge/empty',
      signal: controller.signal,
      onProgress: ({ last }) => {
        seen.push(last.id);
        controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(seen.length).toBe(1);
  });
});
