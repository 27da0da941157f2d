import type { Gpu, Tensor } from '@heed/core';
import { adopt, bytesPerElement } from '@heed/core/kernel';
import type { FloatType, WriteAccess } from '../config/forward.ts';

/** dk and dv in one allocation, since one dispatch writes both. */
export interface GradientPair {
  readonly whole: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
  readonly write: WriteAccess;
}

// 16 bytes of halves: where a window of vectors may begin.
const ALIGNMENT = 8;

export function gradientPair(
  gpu: Gpu,
  dtype: FloatType,
  kShape: readonly number[],
  vShape: readonly number[],
): GradientPair {
  const [k, v] = [paddedShape(kShape, dtype), paddedShape(vShape, dtype)];
  const start = Math.ceil(k.count / ALIGNMENT) * ALIGNMENT;
  const whole = gpu.empty([Math.max(1, start + v.count)], { dtype, label: 'heed/dk dv' });
  const view = (first: number, { count, shape }: PaddedShape, dim: number): Tensor =>
    adopt(
      whole
        .slice(0, first, first + count)
        .reshape(shape)
        .slice(shape.length - 1, 0, dim),
    );
  const dk = view(0, k, kShape.at(-1)!);
  const dv = view(start, v, vShape.at(-1)!);
  return { whole, dk, dv, write: pairAccess(dtype, kShape.at(-1)!, vShape.at(-1)!) };
}

/** How the rows of a pair are written: both lie dense, and start where vectors may. */
export function pairAccess(dtype: FloatType, headDim: number, headDimV: number): WriteAccess {
  if (headDim % 4 === 0 && headDimV % 4 === 0) return 'vec4';
  return dtype === 'f16' ? 'pair' : 'scalar';
}

/** Where a gradient begins in the tensor that it is a view of, in elements. */
export function offsetWithin(view: Tensor, whole: Tensor): number {
  return (view.byteOffset - whole.byteOffset) / bytesPerElement[view.dtype];
}

interface PaddedShape {
  readonly shape: readonly number[] & number[];
  readonly count: number;
}

/** Rows of halves begin on whole words, each of which has one writer. */
function paddedShape(shape: readonly number[], dtype: FloatType): PaddedShape {
  const dim = shape.at(-1)!;
  const padded = [...shape.slice(0, -1), dtype === 'f16' ? dim + (dim % 2) : dim];
  return { shape: padded, count: padded.reduce((a, b) => a * b, 1) };
}
