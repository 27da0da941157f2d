import { bytesPerElement, type DType, isDType } from './dtype.ts';
import { fail, show, ValidationError } from './errors.ts';

/** Returns a list of numbers as messages print it: `[2,3]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join()}]`;
}

/** Returns the number of elements of a shape: 1 for rank 0, 0 if a dimension is 0. */
export function elementCount(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/**
 * Returns row-major strides, in elements.
 * @param evenRows rounds the row stride up to even, so that no two rows of halves share a 32-bit word
 */
export function rowMajorStrides(shape: readonly number[], evenRows = false): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
    if (evenRows && axis === shape.length - 1) stride += stride & 1;
  }
  return strides;
}

/** Returns the number of elements from the first to the last that a view touches; 0 if it is empty. */
export function elementExtent(shape: readonly number[], strides: readonly number[]): number {
  let last = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const d = shape[axis]!;
    if (d === 0) return 0;
    last += (d - 1) * strides[axis]!;
  }
  return last + 1;
}

/** True if logical order is memory order without gaps. The stride of a dimension of 1 does not matter. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const d = shape[axis]!;
    if (d === 0) return true;
    if (d !== 1 && strides[axis] !== expected) return false;
    expected *= d;
  }
  return true;
}

/**
 * Returns the strides of the same memory under another shape, or undefined if that needs a copy. Goes through both shapes from the
 * last axis: each run of dense axes must hold whole axes of the target (the rule of PyTorch's `computeStride`).
 */
export function reshapeStrides(
  shape: readonly number[],
  strides: readonly number[],
  target: readonly number[],
): number[] | undefined {
  if (elementCount(target) === 0) return rowMajorStrides(target);
  if (shape.length === 0) return target.map(() => 1);
  const out = new Array<number>(target.length);
  let t = target.length - 1;
  let base = strides.at(-1)!;
  let have = 1;
  let want = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    have *= shape[axis]!;
    const goesOn = axis > 0 && (shape[axis - 1] === 1 || strides[axis - 1] === have * base);
    if (goesOn) continue;
    for (; t >= 0 && (want < have || target[t] === 1); t--) {
      out[t] = want * base;
      want *= target[t]!;
    }
    if (want !== have) return undefined;
    base = strides[axis - 1]!;
    have = want = 1;
  }
  return out;
}

/**
 * Returns a copy of a shape.
 * @throws ValidationError a dimension that is no whole number from 0 on, or more bytes than a number counts exactly
 */
export function checkShape(fn: string, shape: unknown, dtype: DType): number[] {
  if (!Array.isArray(shape)) {
    fail(fn, 'shape must be an array of numbers', show(shape), 'Pass for example [2, 3].');
  }
  let bytes = bytesPerElement[dtype];
  for (const d of shape as readonly unknown[]) {
    if (!Number.isSafeInteger(d) || (d as number) < 0) {
      fail(fn, 'dimensions must be whole numbers from 0 on', show(shape), `Fix ${show(d)}.`);
    }
    bytes *= Math.max(1, d as number);
  }
  if (!Number.isSafeInteger(bytes)) {
    throw new ValidationError(
      `${fn}: shape ${formatShape(shape)} has more elements than a number counts exactly. Split the tensor.`,
    );
  }
  return [...(shape as number[])];
}

export function checkDType(fn: string, dtype: unknown): DType {
  if (!isDType(dtype)) {
    const known = Object.keys(bytesPerElement).join(', ');
    fail(fn, `dtype must be one of ${known}`, show(dtype), 'Convert it.');
  }
  return dtype;
}
