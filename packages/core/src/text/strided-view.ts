import { bytesPerElement, type DType } from './dtype.ts';
import { show, ValidationError } from './errors.ts';
import { checkShape, elementCount, formatShape, reshapeStrides } from './shape.ts';

/** Offset, shape and strides of a tensor: the part that views change. */
export interface View {
  readonly byteOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: DType;
}

/** @throws ValidationError `axes` is no permutation of 0 … rank − 1 */
export function permuteView(view: View, axes: readonly number[]): View {
  const rank = view.shape.length;
  const sound =
    Array.isArray(axes) && axes.length === rank && view.shape.every((_, i) => axes.includes(i));
  if (!sound) {
    throw new ValidationError(
      `permute: axes must name each of the ${rank} axes of shape ${formatShape(view.shape)} once; got ${show(axes)}. List every axis, from 0 on.`,
    );
  }
  return {
    ...base(view),
    shape: axes.map((a) => view.shape[a]!),
    strides: axes.map((a) => view.strides[a]!),
  };
}

/** @throws ValidationError no such axis, or not 0 ≤ start ≤ end ≤ its length */
export function sliceView(view: View, axis: number, start: number, end: number): View {
  const rank = view.shape.length;
  // A symbol cannot be compared with 0.
  const isWhole = Number.isInteger(axis);
  const at = isWhole && axis < 0 ? axis + rank : axis;
  const length = isWhole ? view.shape[at] : undefined;
  if (length === undefined) {
    throw new ValidationError(
      `slice: axis must be 0 to ${rank - 1} for shape ${formatShape(view.shape)}, or −1 for the last and so on; got ${show(axis)}. Count axes from 0.`,
    );
  }
  const sound =
    Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= length;
  if (!sound) {
    throw new ValidationError(
      `slice: 0 ≤ start ≤ end ≤ ${length} must hold for axis ${axis} of shape ${formatShape(view.shape)}; got start ${show(start)}, end ${show(end)}. The end is exclusive.`,
    );
  }
  return {
    ...base(view),
    byteOffset: view.byteOffset + start * view.strides[at]! * bytesPerElement[view.dtype],
    shape: view.shape.with(at, end - start),
  };
}

/** @throws ValidationError another element count, or strides that would need a copy */
export function reshapeView(view: View, target: readonly number[]): View {
  const shape = checkShape('reshape', target, view.dtype);
  if (elementCount(shape) !== elementCount(view.shape)) {
    throw new ValidationError(
      `reshape: the element count must stay ${elementCount(view.shape)} (shape ${formatShape(view.shape)}); got ${formatShape(shape)} with ${elementCount(shape)}. Use slice() for a part of it.`,
    );
  }
  const strides = reshapeStrides(view.shape, view.strides, shape);
  if (!strides) {
    throw new ValidationError(
      `reshape: shape ${formatShape(view.shape)} with strides ${formatShape(view.strides)} cannot become ${formatShape(shape)} without a copy. ` +
        'Reshape before permuting or slicing, or copy: gpu.tensor(await t.read(), { shape, dtype }).',
    );
  }
  return { ...base(view), shape, strides };
}

// A spread of the tensor would copy fields that are no part of a view.
function base({ byteOffset, shape, strides, dtype }: View): View {
  return { byteOffset, shape, strides, dtype };
}
