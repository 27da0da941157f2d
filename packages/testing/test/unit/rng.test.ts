import { expect, test } from 'vitest';
import { Rng } from '../../src/rng.ts';

test('the same seed gives the same numbers, another seed others', () => {
  expect(new Rng(1).normals(8)).toEqual(new Rng(1).normals(8));
  expect(new Rng(1).normals(8)).not.toEqual(new Rng(2).normals(8));
});

test('normals have mean 0 and variance 1', () => {
  const values = new Rng(3).normals(20_000);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
});

test('int reaches both ends and nothing beyond', () => {
  const rng = new Rng(4);
  const seen = new Set(Array.from({ length: 200 }, () => rng.int(-1, 2)));
  expect([...seen].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
});

test('a permutation holds every number once', () => {
  const order = new Rng(5).permutation(50);
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
});
