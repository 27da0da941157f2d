import { ValidationError } from '@heed/core';
import { fail, show } from '@heed/kernels-wgsl/variant';

const kind: unique symbol = Symbol.for('heed.flex.number') as never;

/** A number with a fixed type on the GPU; to JavaScript arithmetic it is the number. */
interface FixedNumber {
  valueOf(): number;
  readonly [kind]: 'i32' | 'f32';
}

function fix(value: number, type: 'i32' | 'f32'): number {
  return Object.assign(Object(value) as object, { [kind]: type }) as unknown as number;
}

/** The number of what may be fixed already. */
function plainNumber(fn: string, value: unknown): number {
  const number: unknown = isFixedNumber(value) ? value.valueOf() : value;
  if (typeof number === 'number') return number;
  return fail(fn, 'the value must be a number', show(value), 'Pass tables as tensors.');
}

/**
 * A captured number that is f32 whatever its value, so that a value like 1 does not make it an integer (and the plan
 * another one).
 *
 * @example
 * flexAttention(q, k, v, { scoreMod: (s, b, h, q, kv, c) => s * c.factor, captures: { factor: f32(2) } });
 */
export function f32(value: number): number {
  return fix(Math.fround(plainNumber('f32', value)), 'f32');
}

/**
 * A captured number that is i32.
 * @throws ValidationError not a whole number from −2³¹ to 2³¹ − 1
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

/** The type of a captured number: as fixed, else i32 where the value is whole and fits. */
export function numberType(value: number | FixedNumber): 'i32' | 'f32' {
  if (typeof value === 'object') return value[kind];
  return value === (value | 0) ? 'i32' : 'f32';
}
