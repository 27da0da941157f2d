import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gather } from '../../src/text/elements.ts';
import {
  elementCount,
  elementExtent,
  isContiguous,
  reshapeStrides,
  rowMajorStrides,
} from '../../src/text/shape.ts';
import { permuteView, reshapeView, sliceView, type View } from '../../src/text/strided-view.ts';
import { followChain, viewChain, type ViewOp } from '../view-model.ts';

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

function applyToView(view: View, op: ViewOp): View {
  if (op.kind === 'permute') return permuteView(view, op.axes);
  if (op.kind === 'slice') return sliceView(view, op.axis, op.start, op.end);
  return reshapeView(view, op.shape);
}

const dense = (shape: number[]): View => ({
  byteOffset: 0,
  shape,
  strides: rowMajorStrides(shape),
  dtype: 'f32',
});

describe('a random chain of views', () => {
  it('reads as the same chain on nested arrays does', () => {
    fc.assert(
      fc.property(viewChain, ({ shape, ops }) => {
        const memory = Float32Array.from({ length: elementCount(shape) }, (_, i) => i);
        const { view, model } = followChain(
          dense(shape),
          { shape, values: [...memory] },
          ops,
          applyToView,
        );
        expect(view.shape).toEqual(model.shape);
        const start = view.byteOffset / 4;
        const raw = memory.subarray(start, start + elementExtent(view.shape, view.strides));
        expect([...gather(raw, view.shape, view.strides, 'f32')]).toEqual(model.values);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('reshapeView', () => {
  it('never needs a copy of a dense tensor', () => {
    fc.assert(
      fc.property(viewChain, ({ shape, ops }) => {
        const target = ops.find((op) => op.kind === 'reshape')?.shape;
        fc.pre(target !== undefined && elementCount(target) === elementCount(shape));
        const view = reshapeView(dense(shape), target);
        expect(view.shape).toEqual(target);
      }),
    );
  });

  it('says how to copy when the strides forbid it', () => {
    const transposed = permuteView(dense([2, 3]), [1, 0]);
    expect(() => reshapeView(transposed, [6])).toThrow(
      'reshape: shape [3,2] with strides [1,3] cannot become [6] without a copy. Reshape before',
    );
  });

  it.each([[[5]], [[2, 2]], [[]], [[6, 0]]])('refuses another element count: %j', (target) => {
    expect(() => reshapeView(dense([2, 3]), target)).toThrow(
      /reshape: the element count must stay 6/,
    );
  });
});

describe('permuteView', () => {
  it.each([[[0]], [[0, 0]], [[0, 2]], [[-1, 0]], [[0, 1, 2]], [[0.5, 1]], [[NaN, 0]]])(
    'refuses axes %j',
    (axes) => {
      expect(() => permuteView(dense([2, 3]), axes)).toThrow(
        /permute: axes must name each of the 2 axes/,
      );
    },
  );
});

describe('sliceView', () => {
  it.each([
    [0, 0, 3],
    [0, -1, 1],
    [1, 2, 1],
    [1, 0.5, 1],
    [1, NaN, 1],
    [1, 0, 4],
  ])('refuses axis %d from %d to %d', (axis, start, end) => {
    expect(() => sliceView(dense([2, 3]), axis, start, end)).toThrow(/slice: 0 ≤ start ≤ end ≤/);
  });

  it.each([2, -3, 0.5, -0.5, NaN])('refuses axis %d', (axis) => {
    expect(() => sliceView(dense([2, 3]), axis, 0, 1)).toThrow(
      `slice: axis must be 0 to 1 for shape [2,3], or −1 for the last and so on; got ${axis}.`,
    );
  });

  it('counts negative axes from the last', () => {
    expect(sliceView(dense([2, 3]), -1, 1, 3)).toEqual(sliceView(dense([2, 3]), 1, 1, 3));
    expect(sliceView(dense([2, 3]), -2, 1, 2)).toEqual(sliceView(dense([2, 3]), 0, 1, 2));
  });

  it('allows the empty slice at the end', () => {
    expect(sliceView(dense([2, 3]), 0, 2, 2).shape).toEqual([0, 3]);
  });
});
