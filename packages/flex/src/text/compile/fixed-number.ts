import { ValidationError } from '@heed/core';
import { fail, show } from '@heed/kernels-wgsl/variant';

const kind: unique symbol = Symbol.for('heed.flex.number') as never;

/** A number with a fixed type on the GPU; JavaScript arithmetic sees the plain number. */
interface FixedNumber {
  valueOf(): number;
  readonly [kind]: 'i32' | 'f32';
}

function fix(value: number, type: 'i32' | 'f32'): number {
  return Object.assign(Object(value) as object, { [kind]: type }) as unknown as number;
}

/** Returns the plain number of a value that may have a fixed type already. */
function plainNumber(fn: string, value: unknown): number {
  const number: unknown = isFixedNumber(value) ? value.valueOf() : value;
  if (typeof number === 'number') return number;
  return fail(fn, 'the value must be a number', show(value), 'Pass tables as tensors.');
}

/**
 * Fixes the type of a captured number to f32. Otherwise a value like 1 is an integer, which needs another plan than 0.5.
 *
 * @example
 * flexAttention(q, k, v, { scoreMod: (s, b, h, q, kv, c) => s * c.factor, captures: { factor: f32(2) } });
 */
export function f32(value: number): number {
  return fix(Math.fround(plainNumber('f32', value)), 'f32');
}

/**
 * Fixes the type of a captured number to i32.
 * @throws ValidationError the value is not a whole number from −2³¹ to 2³¹ − 1
 */
export function i32(value: number): number {
  const number = plainNumber('i32', value);
  if (number !== (number | 0)) {
    throw new ValidationError(
      `i32: the value must be a whole number from -2147483648 to 2147483647; got ${number}. Round it, or use f32().`,
    );
  }
  return fix(number | 0, 'i32');
}

export function isFixedNumber(value: unknown): value is FixedNumber {
  return typeof value === 'object' && value !== null && kind in value;
}

/** Returns the type of a captured number: the fixed type, else i32 where the value is whole and fits. */
export function numberType(value: number | FixedNumber): 'i32' | 'f32' {
  if (typeof value === 'object') return value[kind];
  return value === (value | 0) ? 'i32' : 'f32';
}
