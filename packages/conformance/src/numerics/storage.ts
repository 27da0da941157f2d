import { roundToF16 } from './f16.ts';

/** Storage types that attention computes on. */
export type FloatDType = 'f32' | 'f16';

/** `x` as the storage type holds it. */
export function toStorage(x: number, dtype: FloatDType): number {
  return dtype === 'f16' ? roundToF16(x) : Math.fround(x);
}

/** Distance from |x| to the next larger value of the storage type. */
export function ulp(x: number, dtype: FloatDType): number {
  const [fractionBits, minExponent] = dtype === 'f16' ? [10, -14] : [23, -126];
  const magnitude = Math.abs(x);
  const exponent = magnitude === 0 ? minExponent : Math.floor(Math.log2(magnitude));
  return 2 ** (Math.max(exponent, minExponent) - fractionBits);
}
