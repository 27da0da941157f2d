import { expect, test } from 'vitest';
import type { AmdFigures } from '../../src/amd/amd-figures.ts';
import { type FigureLimit, missedLimits } from '../../src/limits/figure-limits.ts';

const kernel = (figures: Partial<AmdFigures>): Parameters<typeof missedLimits>[1][0] => ({
  name: 'forward',
  label: 'path=portable',
  figures,
});

const missed = (limit: Partial<FigureLimit>, figures: Partial<AmdFigures>): string[] =>
  missedLimits(
    'navi31',
    [kernel(figures)],
    [{ kernels: /^forward:/, figure: 'waits', on: ['navi31'], ...limit }],
  );

test('a figure at its limit is kept, one beyond it is named with the rule', () => {
  expect(missed({ most: 10 }, { waits: 10 })).toEqual([]);
  expect(missed({ most: 10 }, { waits: 11 })).toEqual([
    'navi31 forward: waits is 11, must be at most 10',
  ]);
  expect(missed({ least: 3 }, { waits: 2 })).toEqual([
    'navi31 forward: waits is 2, must be at least 3',
  ]);
});

test('a kernel without the figure misses the limit', () => {
  expect(missed({ most: 10 }, {})).toEqual([
    'navi31 forward: waits is missing, must be at most 10',
  ]);
});

test('what a kernel keeps until it reaches the limit holds in its place', () => {
  expect(missed({ most: 10, today: 48 }, { waits: 48 })).toEqual([]);
  expect(missed({ most: 10, today: 48 }, { waits: 49 })).toHaveLength(1);
  expect(missed({ least: 3, today: 2 }, { waits: 2 })).toEqual([]);
});

test('another figure may excuse it', () => {
  const or = { figure: 'multiplyAddsPerLdsRead', least: 14 } as const;
  expect(missed({ least: 3, or }, { waits: 2, multiplyAddsPerLdsRead: 14 })).toEqual([]);
  expect(missed({ least: 3, or }, { waits: 2, multiplyAddsPerLdsRead: 13 })).toHaveLength(1);
});

test('a limit holds for its kernels and families only', () => {
  expect(missed({ most: 10, on: ['vega10'] }, { waits: 11 })).toEqual([]);
  expect(missed({ most: 10, kernels: /^decode/ }, { waits: 11 })).toEqual([]);
  expect(missed({ most: 10, kernels: /path=matrix/ }, { waits: 11 })).toEqual([]);
  expect(missed({ most: 10, kernels: /path=portable/ }, { waits: 11 })).toHaveLength(1);
});
