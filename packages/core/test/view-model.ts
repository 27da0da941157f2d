import { ValidationError } from '@heed/core';
import * as fc from 'fast-check';

/** One step of a chain of views. */
export type ViewOp =
  | { readonly kind: 'permute'; readonly axes: number[] }
  | { readonly kind: 'slice'; readonly axis: number; readonly start: number; readonly end: number }
  | { readonly kind: 'reshape'; readonly shape: number[] };

/** A dense array, to compare a view with. */
export interface Model {
  readonly shape: number[];
  readonly values: number[];
}

/** Returns every index of a shape in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, d) => all.flatMap((index) => Array.from({ length: d }, (_, i) => [...index, i])),
    [[]],
  );
}

function at(model: Model, index: readonly number[]): number {
  return model.values[index.reduce((flat, i, axis) => flat * model.shape[axis]! + i, 0)]!;
}

/** Does a step by copying. */
function applyToModel(model: Model, op: ViewOp): Model {
  if (op.kind === 'reshape') return { shape: op.shape, values: model.values };
  if (op.kind === 'slice') {
    const shape = model.shape.with(op.axis, op.end - op.start);
    const source = (index: number[]): number[] => index.with(op.axis, index[op.axis]! + op.start);
    return { shape, values: indices(shape).map((index) => at(model, source(index))) };
  }
  const shape = op.axes.map((axis) => model.shape[axis]!);
  const source = (index: number[]): number[] =>
    model.shape.map((_, axis) => index[op.axes.indexOf(axis)]!);
  return { shape, values: indices(shape).map((index) => at(model, source(index))) };
}

function factorings(count: number): fc.Arbitrary<number[]> {
  if (count === 0) return fc.constantFrom([0], [2, 0], [0, 3, 1]);
  return fc.array(fc.nat(), { minLength: 0, maxLength: 4 }).map((picks) => {
    const shape: number[] = [];
    let rest = count;
    for (const pick of picks) {
      const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => rest % d === 0);
      const d = divisors[pick % divisors.length]!;
      shape.push(d);
      rest /= d;
    }
    if (rest > 1 || shape.length === 0) shape.push(rest);
    return shape;
  });
}

function nextOp(shape: readonly number[]): fc.Arbitrary<ViewOp> {
  const axes = shape.map((_, i) => i);
  const permute = fc
    .shuffledSubarray(axes, { minLength: axes.length })
    .map((order): ViewOp => ({ kind: 'permute', axes: order }));
  const reshape = factorings(shape.reduce((n, d) => n * d, 1)).map((target): ViewOp => ({
    kind: 'reshape',
    shape: target,
  }));
  if (shape.length === 0) return fc.oneof(permute, reshape);
  const slice = fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(([a, x, y]): ViewOp => {
    const axis = a % shape.length;
    const bounds = [x % (shape[axis]! + 1), y % (shape[axis]! + 1)] as const;
    return { kind: 'slice', axis, start: Math.min(...bounds), end: Math.max(...bounds) };
  });
  return fc.oneof(permute, slice, reshape);
}

function shapeAfter(shape: number[], op: ViewOp): number[] {
  return applyToModel({ shape, values: [] }, op).shape;
}

function chain(shape: number[], length: number): fc.Arbitrary<ViewOp[]> {
  if (length === 0) return fc.constant([]);
  return nextOp(shape).chain((op) =>
    chain(shapeAfter(shape, op), length - 1).map((rest) => [op, ...rest]),
  );
}

/** Generates a shape and steps that are valid in order, except reshapes that need a copy. */
export const viewChain: fc.Arbitrary<{ shape: number[]; ops: ViewOp[] }> = fc
  .array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 })
  .chain((shape) =>
    fc
      .integer({ min: 0, max: 5 })
      .chain((length) => chain(shape, length).map((ops) => ({ shape, ops }))),
  );

/** Follows the steps on a view and on its model until a reshape needs a copy; any other refusal is thrown. */
export function followChain<V>(
  view: V,
  model: Model,
  ops: readonly ViewOp[],
  apply: (view: V, op: ViewOp) => V,
): { view: V; model: Model } {
  for (const op of ops) {
    try {
      view = apply(view, op);
    } catch (error) {
      if (op.kind === 'reshape' && error instanceof ValidationError) break;
      throw error;
    }
    model = applyToModel(model, op);
  }
  return { view, model };
}
