import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { lengthsOf, maxLength, problemOf } from '../../../src/measure/bench-problem.ts';
import { unpadRows } from '../../../src/measure/row-layouts.ts';
import { expectedOf, maxErrorOf } from '../../../src/measure/verdict.ts';
import type { Workload } from '../../../src/measure/workloads.ts';
import { type AttentionGraph, attentionGraph } from '../../../src/onnx/attention-graph.ts';
import { encodeModel } from '../../../src/onnx/onnx-model.ts';

const base: Workload = {
  id: 'small',
  title: 'small',
  dtype: 'f32',
  layout: 'dense',
  causal: true,
  headsQ: 4,
  headsKv: 2,
  headDim: 8,
  sequences: [
    { seqlenQ: 1, seqlenK: 7 },
    { seqlenQ: 1, seqlenK: 7 },
  ],
};
const self = (...lengths: number[]): Workload['sequences'] =>
  lengths.map((length) => ({ seqlenQ: length, seqlenK: length }));

async function runOnCpu({ graph, feeds }: AttentionGraph): Promise<Float32Array> {
  const session = await InferenceSession.create(encodeModel(graph), {
    executionProviders: ['cpu'],
    // The session's threads would spin while other tests wait for the cores.
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const inputs = Object.entries(feeds).map(([name, { data, shape }]) => [
    name,
    data instanceof Int32Array
      ? new Tensor('int32', data, shape)
      : new Tensor('float32', data, shape),
  ]);
  const { out } = await session.run(Object.fromEntries(inputs));
  await session.release();
  return (out as Tensor).data as Float32Array;
}

describe('attentionGraph: ONNX Runtime on the CPU agrees with float64', () => {
  test.each<[string, string, Partial<Workload>]>([
    ['MultiHeadAttention', 'dense', { headsKv: 4, causal: false, sequences: self(5, 5) }],
    ['MultiHeadAttention', 'dense causal', { headsKv: 4, sequences: self(5, 5) }],
    ['GroupQueryAttention', 'grouped heads', { sequences: self(6) }],
    ['GroupQueryAttention', 'a cache', {}],
    ['GroupQueryAttention', 'a window', { window: 2, sequences: self(6) }],
    ['GroupQueryAttention', 'a window over a cache', { window: 2 }],
    [
      'GroupQueryAttention',
      'a window without groups',
      { window: 3, headsKv: 4, sequences: self(6) },
    ],
    ['GroupQueryAttention', 'sinks', { sinks: true, sequences: self(6) }],
    ['GroupQueryAttention', 'packed sequences', { layout: 'packed', sequences: self(6, 2, 5) }],
  ])('%s for %s', async (operator, _, change) => {
    const workload = { ...base, ...change };
    const problem = problemOf(workload);
    const graph = attentionGraph(problem) as AttentionGraph;
    expect(graph.how).toContain(operator);
    const width = workload.headsQ * workload.headDim;
    const out = unpadRows(
      await runOnCpu(graph),
      lengthsOf(workload, 'seqlenQ'),
      maxLength(workload, 'seqlenQ'),
      width,
    );
    expect(maxErrorOf(out, expectedOf(problem).out.data)).toBeLessThan(1e-6);
  });
});

test('a problem without an operator gets a reason', () => {
  expect(attentionGraph(problemOf({ ...base, causal: false }))).toEqual({
    unsupported: 'GroupQueryAttention is always causal',
  });
  expect(attentionGraph(problemOf({ ...base, layout: 'packed' }))).toMatchObject({
    unsupported: expect.stringContaining('packed'),
  });
});

test('pages go to PagedAttention: the past in the cache, new tokens beside it', () => {
  const paged = {
    ...base,
    dtype: 'f16',
    layout: 'paged',
    pageSize: 4,
    sequences: [
      { seqlenQ: 1, seqlenK: 7 },
      { seqlenQ: 2, seqlenK: 2 },
    ],
  } as const;
  const { how, feeds, graph } = attentionGraph(problemOf(paged)) as AttentionGraph;
  expect(how).toContain('PagedAttention');
  const shapes = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape }]) => [name, shape]),
  );
  expect(shapes).toMatchObject({ q: [3, 32], k: [3, 16], keyCache: [3, 4, 2, 8], table: [2, 2] });
  expect(feeds['pasts']?.data).toEqual(Int32Array.of(6, 0));
  expect(feeds['cuSeqlens']?.data).toEqual(Int32Array.of(0, 1, 3));
  const { q, k } = problemOf(paged);
  expect(feeds['q']?.data).toEqual(q);
  expect(feeds['k']?.data).toEqual(Float32Array.of(...k.subarray(6 * 16, 9 * 16)));
  expect(graph.outputs[0]).toMatchObject({ name: 'out', shape: [3, 32] });
  expect(attentionGraph(problemOf({ ...paged, dtype: 'f32' }))).toEqual({
    unsupported: 'PagedAttention takes f16 only',
  });
});

test('f16 problems enter as float16 and leave as float32', () => {
  const { graph } = attentionGraph(
    problemOf({ ...base, dtype: 'f16', headsKv: 4, sequences: self(3) }),
  ) as AttentionGraph;
  expect(graph.inputs.map(({ type }) => type)).toEqual(['float16', 'float16', 'float16']);
  expect(graph.outputs.map(({ type }) => type)).toEqual(['float32']);
});
