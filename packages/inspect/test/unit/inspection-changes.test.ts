import { expect, test } from 'vitest';
import type { AmdFigures } from '../../src/amd/amd-figures.ts';
import type { Inspection } from '../../src/report/inspection.ts';
import { renderChanges } from '../../src/report/inspection-changes.ts';

const run = (
  kernels: Readonly<Record<string, Partial<AmdFigures>>>,
  family = 'navi31',
): Inspection => ({
  date: '2026-01-02T03:04:05.000Z',
  family,
  driver: 'radv 1',
  refused: [],
  kernels: Object.entries(kernels).map(([name, figures]) => ({
    name,
    label: '',
    figures: figures as AmdFigures,
  })),
});

test('a comparison shows the figures that changed, and kernels of one run only', () => {
  const then = run({ forward: { waits: 48, vgprs: 168 }, dq: { waits: 80 }, old: { waits: 1 } });
  const now = run({ forward: { waits: 8, vgprs: 168 }, dq: { waits: 80 }, new: { waits: 1 } });
  expect(renderChanges(then, now)).toMatchInlineSnapshot(`
    "1 of 2 kernels changed since 2026-01-02T03:04:05.000Z
      forward: waits 48 → 8
      only now: new
      not in this run: old
    "
  `);
});

test('differences that the table does not show are no changes', () => {
  const then = run({ forward: { multiplyAddsPerVector: 0.641 } });
  const now = run({ forward: { multiplyAddsPerVector: 0.642 } });
  expect(renderChanges(then, now)).toMatch(/^0 of 1 kernels changed/);
});

test('a figure that appears is a change', () => {
  expect(renderChanges(run({ forward: {} }), run({ forward: { waits: 8 } }))).toContain(
    'waits none → 8',
  );
});

test('runs of two families are not compared', () => {
  expect(() => renderChanges(run({}), run({}, 'vega10'))).toThrow('Compare runs of one family');
});
