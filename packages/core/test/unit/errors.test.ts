import { describe, expect, it, vi } from 'vitest';
import * as errors from '../../src/text/errors.ts';
import { fail, show, ValidationError } from '../../src/text/errors.ts';

const instances = [
  [new errors.ValidationError('m'), 'validation'],
  [new errors.UnsupportedError('m'), 'unsupported'],
  [new errors.LimitError('m'), 'limit'],
  [new errors.CompileError('m'), 'compile'],
  [new errors.CapacityError('m'), 'capacity'],
  [new errors.DeviceLostError('m', 'destroyed'), 'device-lost'],
  [new errors.DisposedError('m'), 'disposed'],
  [new errors.GpuError('m', 'internal'), 'gpu'],
] as const;

describe.each(instances)('%s', (error, code) => {
  it('is a HeedError with a code, its class name and a message', () => {
    expect(error).toBeInstanceOf(errors.HeedError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe(code);
    expect(error.name).toBe(error.constructor.name);
    expect(String(error)).toBe(`${error.name}: m`);
    expect(errors.HeedError.is(error)).toBe(true);
  });
});

describe('HeedError.is', () => {
  it('knows the errors of another copy of the package', async () => {
    vi.resetModules();
    const other = await import('../../src/text/errors.ts');
    const foreign = new other.LimitError('m');
    expect(foreign).not.toBeInstanceOf(errors.HeedError);
    expect(errors.HeedError.is(foreign)).toBe(true);
  });

  it.each([[new Error('m')], [undefined], [null], ['m'], [{ code: 'limit' }]])(
    'refuses %s',
    (x) => {
      expect(errors.HeedError.is(x)).toBe(false);
    },
  );

  it('keeps the cause, and the place, reason or kind of those that have one', () => {
    const cause = new Error('inner');
    expect(new errors.CompileError('m', { cause }).cause).toBe(cause);
    const place = { line: 3, column: 7, length: 2 };
    expect(new errors.CompileError('m', place)).toMatchObject(place);
    expect(new errors.DeviceLostError('m', 'unknown').reason).toBe('unknown');
    expect(new errors.GpuError('m', 'out-of-memory').kind).toBe('out-of-memory');
  });
});

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
