/** A host array in logical (row-major) order. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Returns the number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Returns a float64 array filled with one value. */
export function filled(shape: readonly number[], value: number): NdArray {
  return { shape, data: new Float64Array(sizeOf(shape)).fill(value) };
}

/** Returns a float32 array whose elements are `value(flatIndex)`. */
export function generate(shape: readonly number[], value: (index: number) => number): NdArray {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return { shape, data };
}

/** Returns the extent of one axis. @throws RangeError the array has no such axis */
export function extent(array: NdArray, axis: number): number {
  const n = array.shape[axis];
  if (n === undefined) throw new RangeError(`extent: axis ${axis} of [${array.shape.join(', ')}]`);
  return n;
}

/** Converts a flat index to a multi-index. */
export function unravel(flat: number, shape: readonly number[]): number[] {
  const index: number[] = shape.map(() => 0);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const n = shape[axis] as number;
    index[axis] = rest % n;
    rest = Math.floor(rest / n);
  }
  return index;
}

/** Returns zeros of the element type of an array. */
export function sameKind({ data }: NdArray, length: number): Float32Array | Float64Array {
  return data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

/** Copies an array with its axes reordered: axis n of the result is axis `axes[n]` of the source. */
export function permuted(array: NdArray, axes: readonly number[]): NdArray {
  const shape = axes.map((axis) => extent(array, axis));
  const data = sameKind(array, sizeOf(shape));
  array.data.forEach((x, flat) => {
    const index = unravel(flat, array.shape);
    data[
      ravel(
        axes.map((axis) => index[axis] as number),
        shape,
      )
    ] = x;
  });
  return { shape, data };
}

/** Converts a multi-index to a flat index. */
export function ravel(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * (shape[axis] as number) + i, 0);
}

/** Copies elements start…end−1 along one axis. */
export function sliceAxis(array: NdArray, axis: number, start: number, end: number): NdArray {
  const inner = array.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const outer = array.shape.slice(0, axis).reduce((product, n) => product * n, 1);
  const n = extent(array, axis);
  const width = (end - start) * inner;
  const data = sameKind(array, outer * width);
  for (let o = 0; o < outer; o++) {
    const from = (o * n + start) * inner;
    data.set(array.data.subarray(from, from + width), o * width);
  }
  return { shape: array.shape.map((size, a) => (a === axis ? end - start : size)), data };
}

/** Rearranges a dense tensor of batch 1 as packed rows: [1, H, L, D] → [L, H, D]; `shape` overrides the shape of the result. */
export function rowsOf(array: NdArray, shape?: readonly number[]): NdArray {
  const swapped = permuted(array, [0, 2, 1, 3]);
  return { shape: shape ?? swapped.shape.slice(1), data: swapped.data };
}
