import { bytesPerElement, type DType, isDType } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { show } from '../fail.ts';
import { formatShape } from '../layout/shape.ts';

/** A copy of the shape, every dimension a whole number from 0 on, the byte count exact. */
export function checkShape(fn: string, shape: unknown, dtype: DType): number[] {
  if (!Array.isArray(shape)) {
    throw new ValidationError(
      `${fn}: shape must be an array of numbers; got ${show(shape)}. Pass for example [2, 3].`,
    );
  }
  let bytes = bytesPerElement[dtype];
  for (const d of shape as unknown[]) {
    if (!Number.isSafeInteger(d) || (d as number) < 0) {
      throw new ValidationError(
        `${fn}: dimensions must be whole numbers from 0 on; got [${shape.map(String).join(', ')}]. Fix ${String(d)}.`,
      );
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
    throw new ValidationError(
      `${fn}: dtype must be one of ${Object.keys(bytesPerElement).join(', ')}; got ${String(dtype)}.`,
    );
  }
  return dtype;
}
