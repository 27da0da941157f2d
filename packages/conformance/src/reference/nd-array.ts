/** A host array in logical (row-major) order. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A float64 array filled with one value. */
export function filled(shape: readonly number[], value: number): NdArray {
  return { shape, data: new Float64Array(sizeOf(shape)).fill(value) };
}

/** A float32 array whose elements come from `value(flatIndex)`. */
export function generate(shape: readonly number[], value: (index: number) => number): NdArray {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)) };
}

/** The extent of one axis; throws on an axis the array lacks. */
export function extent(array: NdArray, axis: number): number {
  const n = array.shape[axis];
  if (n === undefined) throw new RangeError(`extent: axis ${axis} of [${array.shape.join(', ')}]`);
  return n;
}

/** The multi-index of a flat position. */
export function unravel(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const n of shape.toReversed()) {
    index.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  return index;
}

/** Zeros of the same element type as an array's. */
export function sameKind({ data }: NdArray, length: number): Float32Array | Float64Array {
  return data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}
