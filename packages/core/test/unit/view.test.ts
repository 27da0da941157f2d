import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCount, elementExtent, rowMajorStrides } from '../../src/layout/shape.ts';
import { gather } from '../../src/tensor/read.ts';
import { permuteView, reshapeView, sliceView, type View } from '../../src/tensor/view.ts';
import { followChain, viewChain, type ViewOp } from '../view-model.ts';

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
      'reshape: shape [3,2] with strides [1,3] cannot be seen as [6] without a copy. Reshape before',
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

  it.each([2, -1, 0.5, NaN])('refuses axis %d', (axis) => {
    expect(() => sliceView(dense([2, 3]), axis, 0, 1)).toThrow(
      `slice: axis must be 0 to 1 for shape [2,3]; got ${axis}.`,
    );
  });

  it('allows the empty slice at the end', () => {
    expect(sliceView(dense([2, 3]), 0, 2, 2).shape).toEqual([0, 3]);
  });
});
