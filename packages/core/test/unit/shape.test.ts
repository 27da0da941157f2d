import { describe, expect, it } from 'vitest';
import {
  elementCount,
  elementExtent,
  isContiguous,
  reshapeStrides,
  rowMajorStrides,
} from '../../src/layout/shape.ts';

describe('elementCount', () => {
  it.each([
    [[], 1],
    [[3], 3],
    [[2, 3, 4], 24],
    [[2, 0, 4], 0],
  ])('of %j is %i', (shape, count) => {
    expect(elementCount(shape)).toBe(count);
  });
});

describe('rowMajorStrides', () => {
  it.each([
    [[], []],
    [[5], [1]],
    [
      [2, 3, 4],
      [12, 4, 1],
    ],
    [
      [2, 0, 4],
      [0, 4, 1],
    ],
  ])('of %j is %j', (shape, strides) => {
    expect(rowMajorStrides(shape)).toEqual(strides);
  });

  it.each([
    [[5], [1]],
    [
      [2, 4],
      [4, 1],
    ],
    [
      [2, 3],
      [4, 1],
    ],
    [
      [2, 3, 1],
      [6, 2, 1],
    ],
  ])('with even rows, of %j is %j', (shape, strides) => {
    expect(rowMajorStrides(shape, true)).toEqual(strides);
  });
});

describe('elementExtent', () => {
  it.each([
    [[], [], 1],
    [[4], [1], 4],
    [[4], [3], 10],
    [[4, 2], [0, 1], 2],
    [[4, 0], [9, 9], 0],
    [[2, 3], [4, 1], 7],
  ])('of %j with strides %j is %i', (shape, strides, extent) => {
    expect(elementExtent(shape, strides)).toBe(extent);
  });
});

describe('isContiguous', () => {
  it.each([
    [[2, 3], [3, 1], true],
    [[2, 3], [4, 1], false],
    [[2, 3], [1, 2], false],
    [[1, 3], [99, 1], true],
    [[2, 0], [7, 7], true],
    [[], [], true],
  ])('%j with strides %j: %j', (shape, strides, want) => {
    expect(isContiguous(shape, strides)).toBe(want);
  });
});

describe('reshapeStrides', () => {
  it.each([
    ['splits an axis', [6], [1], [2, 3], [3, 1]],
    ['merges dense axes', [2, 3], [3, 1], [6], [1]],
    ['merges only what is dense', [2, 3, 4], [20, 4, 1], [2, 12], [20, 1]],
    ['splits a strided axis', [6], [5], [2, 3], [15, 5]],
    ['sees through axes of 1', [2, 1, 3], [3, 77, 1], [6], [1]],
    ['regroups 4·6 as 8·3', [4, 6], [6, 1], [8, 3], [3, 1]],
    ['regroups an empty shape', [0, 3], [3, 1], [2, 0], [0, 1]],
    ['gives a scalar', [1, 1], [5, 9], [], []],
  ])('%s', (_, shape, strides, target, want) => {
    expect(reshapeStrides(shape, strides, target)).toEqual(want);
  });

  it.each([
    [
      [2, 3],
      [3, 1],
      [1, 2, 1, 3, 1],
    ],
    [
      [2, 3],
      [0, 1],
      [2, 3, 1],
    ],
    [[], [], [1, 1]],
  ])('%j with strides %j keeps them when %j only adds axes of 1', (shape, strides, target) => {
    const got = reshapeStrides(shape, strides, target);
    expect(got).toHaveLength(target.length);
    expect(got?.filter((_s, i) => target[i] !== 1)).toEqual(strides);
  });

  it.each([
    ['a transposed matrix', [3, 2], [1, 3], [6]],
    ['padded rows', [2, 3], [4, 1], [6]],
    ['padded rows, regrouped', [2, 6], [8, 1], [4, 3]],
    ['a broadcast axis', [2, 3], [0, 1], [6]],
  ])('refuses %s', (_, shape, strides, target) => {
    expect(reshapeStrides(shape, strides, target)).toBeUndefined();
  });
});
