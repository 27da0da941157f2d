import { describe, expect, test } from 'vitest';
import {
  concat,
  floatField,
  intField,
  messageField,
  stringField,
  varint,
} from '../../../src/onnx/wire.ts';
import { type Field, readFields } from './read-fields.ts';

describe('varint', () => {
  test.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [300, [0xac, 0x02]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
  ])('encodes %i as the specification shows', (value, bytes) => {
    expect([...varint(value)]).toEqual(bytes);
  });

  test.each([-1, 0.5, NaN, 2 ** 53])('refuses %d', (value) => {
    expect(() => varint(value)).toThrow(/non-negative safe integer/);
  });

  test('takes the largest safe integer', () => {
    const [field] = readFields(intField(1, Number.MAX_SAFE_INTEGER));
    expect(field).toEqual({ field: 1, value: Number.MAX_SAFE_INTEGER });
  });
});

test('fields come back in order with their numbers and payloads', () => {
  const bytes = concat(
    intField(3, 300),
    stringField(16, 'naïve'),
    messageField(2, intField(1, 7), intField(1, 8)),
    floatField(4, 0.5),
  );
  const [int, text, message, float] = readFields(bytes);
  expect(int).toEqual({ field: 3, value: 300 });
  expect(new TextDecoder().decode(text?.value as Uint8Array)).toBe('naïve');
  expect(readFields(message?.value as Uint8Array)).toEqual([
    { field: 1, value: 7 },
    { field: 1, value: 8 },
  ]);
  expect([...((float as Field).value as Uint8Array)]).toEqual([0, 0, 0, 0x3f]);
});
