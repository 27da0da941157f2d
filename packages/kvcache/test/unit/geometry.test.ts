import { expect, it } from 'vitest';
import { type PageFormat, type PageGeometry, pageBytes } from '../../src/pages/page-geometry.ts';

const bytes = (format: PageFormat, headDim: number): number => {
  const sizes = { layers: 3, kvHeads: 2, pageSize: 16, headDim, headDimV: headDim };
  return pageBytes({ ...sizes, format } satisfies PageGeometry);
};

it('a page takes its rows in all layers', () => {
  expect(bytes('f32', 64)).toBe(3 * 2 * 2 * 16 * 64 * 4);
  expect(bytes('f16', 65)).toBe(3 * 2 * 2 * 16 * 66 * 2);
  expect(bytes('int8', 65)).toBe(3 * 2 * 2 * 16 * (4 + 68));
  expect(bytes('int4', 65)).toBe(3 * 2 * 2 * 16 * (4 + 36));
});

it.for([32, 64, 80, 96, 128, 256])('int4 pages take at most 0.32 of f16, D %i', (headDim) => {
  expect(bytes('int4', headDim) / bytes('f16', headDim)).toBeLessThanOrEqual(0.32);
});
