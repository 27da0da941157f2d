import { bareVars, nagaGaps, unpairedBracket, untidiness } from '@heed/testing';
import { expect, it } from 'vitest';
import { inPlaceSources } from '../../src/kernels/in-place.ts';
import { linearSources } from '../../src/kernels/linear.ts';
import { partBounds } from '../../src/kernels/row-parts.ts';
import { rowSources } from '../../src/kernels/row-kernels.ts';
import { mixSources } from '../../src/kernels/mix-experts.ts';
import { topSources } from '../../src/kernels/top-logits.ts';

const sources = [
  ...linearSources(),
  ...rowSources(),
  ...topSources(),
  ...mixSources(),
  ...inPlaceSources(),
];

it.for(sources)('$label is tidy WGSL with initialised variables', ({ code }) => {
  expect(bareVars(code)).toEqual([]);
  expect(nagaGaps(code)).toEqual([]);
  expect(untidiness(code)).toEqual([]);
  expect(unpairedBracket(code)).toBeUndefined();
});

it('splits a weight at whole rows, or whole groups of rows, that fit a part', () => {
  expect(partBounds('w', [10, 8], 'f32', 1, 3 * 32)).toEqual([0, 3, 6, 9, 10]);
  expect(partBounds('w', [10, 8], 'bf16', 5, 10 * 16)).toEqual([0, 10]);
  expect(partBounds('w', [10, 8], 'bf16', 5, 9 * 16)).toEqual([0, 5, 10]);
  expect(() => partBounds('w', [10, 8], 'f32', 5, 9 * 16)).toThrow('5 rows of 8 columns');
  expect(() => partBounds('w', [10, 6], 'f32')).toThrow('multiple of 4 columns');
});
