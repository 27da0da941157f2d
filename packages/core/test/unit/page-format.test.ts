import { expect, it } from 'vitest';
import {
  checkPageFormat,
  checkRowWords,
  isQuantised,
  pageFormats,
  poolDType,
  rowElements,
  rowWords,
} from '../../src/paged/page-format.ts';

it.for([
  // format, dtype of the pool, elements and words of rows of 8 and of 9 numbers
  ['f32', 'f32', [8, 8], [9, 9]],
  ['f16', 'f16', [8, 4], [9, 5]],
  ['int8', 'u32', [3, 3], [4, 4]],
  ['int4', 'u32', [2, 2], [3, 3]],
] as const)('%s rows lie in a pool of %s', ([format, dtype, even, odd]) => {
  expect(pageFormats).toContain(format);
  expect(isQuantised(format)).toBe(dtype === 'u32');
  expect(poolDType(format)).toBe(dtype);
  expect([rowElements(format, 8), rowWords(format, 8)]).toEqual(even);
  expect([rowElements(format, 9), rowWords(format, 9)]).toEqual(odd);
});

it('refuses what is no page format, and rows whose words do not hold their head dim', () => {
  expect(checkPageFormat('f', 'dtype', 'int4', 'Leave it out.')).toBe('int4');
  expect(() => checkPageFormat('f', 'dtype', 'i32', 'Leave it out.')).toThrow(
    "f: dtype must be 'f32', 'f16', 'bf16', 'int8' or 'int4'; got 'i32'. Leave it out.",
  );
  checkRowWords('f', 'k', [4, 16, 2, 3], 'int8', 8);
  expect(() => checkRowWords('f', 'k', [4, 16, 2, 4], 'int8', 8)).toThrow(
    'f: rows of k must be 3 words: a scale, and 8 elements in int8; got [4,16,2,4]. Pass k as [pages, pageSize, Hkv, 3].',
  );
});
