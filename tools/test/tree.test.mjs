import { expect, test } from 'vitest';
import { measureTree } from '../tree.mjs';

/** The limits of "In a package" in CONTRIBUTING.md; `npm run tree` prints the numbers. */
const MAX_FILES = 1600;
const MEDIAN = { least: 90, most: 150 };
const LARGE = [
  'apps/demo',
  'packages/bench',
  'packages/conformance',
  'packages/core',
  'packages/flex',
  'packages/kernels-wgsl',
  'packages/kvcache',
];

const tree = measureTree();

test('the repository has at most 1,600 files', () => {
  expect(tree.files).toBeLessThanOrEqual(MAX_FILES);
});

test.for(LARGE)('the median source file of %s has 90 to 150 lines', (owner) => {
  const { median } = tree.packages.find((row) => row.owner === owner);
  expect(median).toBeGreaterThanOrEqual(MEDIAN.least);
  expect(median).toBeLessThanOrEqual(MEDIAN.most);
});

test('no file is long, and no short file is apart from its only user', () => {
  expect(tree.long).toEqual([]);
  expect(tree.lonely).toEqual([]);
});

test('a file name says what the file holds, and two files of a package differ in it', () => {
  expect(tree.generic).toEqual([]);
  expect(tree.repeated.within).toEqual([]);
});
