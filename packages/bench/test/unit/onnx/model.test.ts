import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { encodeModel, type Graph } from '../../../src/onnx/model.ts';
import { stringsOf, valuesOf } from './read-fields.ts';

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
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'] });
  const { sum } = await session.run({ a: filled(1.5), b: filled(2) });
  expect([...((sum as Tensor).data as Float32Array)]).toEqual(Array(6).fill(3.5));
  await session.release();
});
