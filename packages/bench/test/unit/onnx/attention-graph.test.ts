import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { expectedOf } from '../../../src/expected.ts';
import { problemOf } from '../../../src/inputs.ts';
import { unpadRows } from '../../../src/layouts.ts';
import { lengthsOf, maxLength } from '../../../src/lengths.ts';
import { attentionGraph, type AttentionGraph } from '../../../src/onnx/attention-graph.ts';
import { encodeModel } from '../../../src/onnx/model.ts';
import { maxErrorOf } from '../../../src/verdict.ts';
import type { Workload } from '../../../src/workloads.ts';

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

test('f16 problems enter as float16 and leave as float32', () => {
  const { graph } = attentionGraph(
    problemOf({ ...base, dtype: 'f16', headsKv: 4, sequences: self(3) }),
  ) as AttentionGraph;
  expect(graph.inputs.map(({ type }) => type)).toEqual(['float16', 'float16', 'float16']);
  expect(graph.outputs.map(({ type }) => type)).toEqual(['float32']);
});
