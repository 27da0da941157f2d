import { extent, type NdArray, sameKind } from '../reference/nd-array.ts';
import { permuted } from './placement.ts';

/** Elements start…end−1 along one axis, as a new array. */
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

/** A dense tensor of batch 1 as packed rows: [1, H, L, D] → [L, H, D]; `shape` names another result shape. */
export function rowsOf(array: NdArray, shape?: readonly number[]): NdArray {
  const swapped = permuted(array, [0, 2, 1, 3]);
  return { shape: shape ?? swapped.shape.slice(1), data: swapped.data };
}
