import { bytesPerElement, type DType, isDType } from './dtype.ts';
import { fail, show, ValidationError } from './errors.ts';

/** A shape (or any list of numbers) as messages print it: `[2,3]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join()}]`;
}

/** Number of elements of a shape; 1 for rank 0, 0 when any dimension is 0. */
export function elementCount(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/**
 * Row-major strides in elements.
 * @param evenRows round the row stride up to even, so that no two rows of halves share a 32-bit word
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

/** Elements from the first to one past the last that the view touches; 0 when it is empty. */
export function elementExtent(shape: readonly number[], strides: readonly number[]): number {
  let last = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const d = shape[axis]!;
    if (d === 0) return 0;
    last += (d - 1) * strides[axis]!;
  }
  return last + 1;
}

/** True when logical order is memory order without gaps. Dimensions of 1 put no demand on their stride. */
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
 * Strides of the same memory seen under another shape, or undefined when that needs a copy.
 * Walks both shapes from the inside: each run of axes that lie densely must hold whole axes of the target
 * (the rule of PyTorch's `computeStride`).
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

/** A copy of the shape, every dimension a whole number from 0 on, the byte count exact. */
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
      `${fn}: shape ${formatShape(shape)} counts more elements than numbers can. Split it.`,
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
