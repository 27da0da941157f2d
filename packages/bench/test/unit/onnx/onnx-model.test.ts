import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import {
  concat,
  encodeModel,
  floatField,
  type Graph,
  intField,
  messageField,
  stringField,
  varint,
} from '../../../src/onnx/onnx-model.ts';
import { type Field, readFields, stringsOf, valuesOf } from './read-fields.ts';

const graph: Graph = {
  nodes: [
    {
      op: 'GroupQueryAttention',
      domain: 'com.microsoft',
      inputs: ['q', '', 'total'],
      outputs: ['attended'],
      attributes: { num_heads: { int: 32 }, softcap: { float: 5 } },
    },
    { op: 'Cast', inputs: ['attended'], outputs: ['out'] },
  ],
  inputs: [
    { name: 'q', type: 'float16', shape: [1, 300, 64] },
    { name: 'total', type: 'int32', shape: [1] },
  ],
  outputs: [{ name: 'out', type: 'float32', shape: [] }],
};

const filled = (x: number): Tensor => new Tensor('float32', new Float32Array(6).fill(x), [2, 3]);

const only = (bytes: Uint8Array, field: number): Uint8Array => {
  const values = valuesOf(bytes, field);
  expect(values).toHaveLength(1);
  return values[0] as Uint8Array;
};

test('a model carries its operator sets, nodes, attributes, inputs and outputs', () => {
  const model = encodeModel(graph);
  expect(valuesOf(model, 8).flatMap((set) => stringsOf(set as Uint8Array, 1))).toEqual([
    '',
    'com.microsoft',
  ]);
  const body = only(model, 7);
  const [attention, cast] = valuesOf(body, 1) as Uint8Array[];
  expect(stringsOf(attention as Uint8Array, 1)).toEqual(['q', '', 'total']);
  expect(stringsOf(attention as Uint8Array, 2)).toEqual(['attended']);
  expect(stringsOf(attention as Uint8Array, 4)).toEqual(['GroupQueryAttention']);
  expect(stringsOf(attention as Uint8Array, 7)).toEqual(['com.microsoft']);
  expect(valuesOf(cast as Uint8Array, 7)).toEqual([]);

  const [heads, softcap] = valuesOf(attention as Uint8Array, 5) as Uint8Array[];
  expect([
    stringsOf(heads as Uint8Array, 1),
    valuesOf(heads as Uint8Array, 3),
    valuesOf(heads as Uint8Array, 20),
  ]).toEqual([['num_heads'], [32], [2]]);
  // An integral float must stay a float: operators look attributes up by type.
  expect([...only(softcap as Uint8Array, 2)]).toEqual([
    ...new Uint8Array(Float32Array.of(5).buffer),
  ]);
  expect(valuesOf(softcap as Uint8Array, 20)).toEqual([1]);

  const [q, total] = valuesOf(body, 11) as Uint8Array[];
  const tensorType = only(only(q as Uint8Array, 2), 1);
  expect(stringsOf(q as Uint8Array, 1)).toEqual(['q']);
  expect(valuesOf(tensorType, 1)).toEqual([10]);
  expect(valuesOf(only(tensorType, 2), 1).map((dim) => valuesOf(dim as Uint8Array, 1))).toEqual([
    [1],
    [300],
    [64],
  ]);
  expect(valuesOf(only(only(total as Uint8Array, 2), 1), 1)).toEqual([6]);
  expect(stringsOf(only(body, 12), 1)).toEqual(['out']);
});

test('ONNX Runtime loads a model and runs it on the CPU', async () => {
  const value = { type: 'float32', shape: [2, 3] } as const;
  const bytes = encodeModel({
    nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['sum'] }],
    inputs: [
      { ...value, name: 'a' },
      { ...value, name: 'b' },
    ],
    outputs: [{ ...value, name: 'sum' }],
  });
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    // The session's threads would spin while other tests wait for the cores.
    intraOpNumThreads: 1,
  });
  const { sum } = await session.run({ a: filled(1.5), b: filled(2) });
  expect([...((sum as Tensor).data as Float32Array)]).toEqual(Array(6).fill(3.5));
  await session.release();
});

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
