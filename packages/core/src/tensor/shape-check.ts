import { bytesPerElement, type DType, isDType } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { fail, show } from '../fail.ts';
import { formatShape } from '../layout/shape.ts';

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

export function checkLabel(fn: string, label: unknown): void {
  if (typeof label !== 'string') fail(fn, 'label must be a string', show(label), 'Leave it out.');
}
