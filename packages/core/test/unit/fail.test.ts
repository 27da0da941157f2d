import { expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.ts';
import { fail, show } from '../../src/fail.ts';

it('fail() names the function, the rule, what was got and the fix', () => {
  const call = (): never => fail('f', 'x must be 1', 2, 'Pass 1.');
  expect(call).toThrow(ValidationError);
  expect(call).toThrow('f: x must be 1; got 2. Pass 1.');
});

it.for([
  ['text', "'text'"],
  [1.5, '1.5'],
  [7n, '7n'],
  [undefined, 'undefined'],
  [null, 'null'],
  [() => 1, 'a function'],
  [[1, ['a'], null], "[1, ['a'], null]"],
  [Array.from({ length: 1000 }, () => 0), '[0, 0, 0, 0, 0, 0, 0, 0, … 1000 in all]'],
  [new Float32Array(3), 'Float32Array'],
  [{ a: 1 }, 'Object'],
  [Object.create(null), 'an object'],
] as const)('show(%s)', ([value, text]) => {
  expect(show(value)).toBe(text);
});
