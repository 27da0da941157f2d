import type { Gpu, Tensor } from '@heed/core';
import { type AttentionResult, planAttention } from '@heed/kernels-wgsl';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 2, 64);
});

/** One compute pass of the caller's, submitted when `record` has returned. */
function inPass<T>(
  record: (pass: GPUComputePassEncoder) => T,
  beforeSubmit: () => unknown = () => {},
): T {
  const encoder = gpu.device.createCommandEncoder({ label: 'caller' });
  const pass = encoder.beginComputePass({ label: 'caller' });
  const result = record(pass);
  pass.end();
  const commands = encoder.finish();
  beforeSubmit();
  gpu.device.queue.submit([commands]);
  return result;
}

const outAndLse = ({ out, lse }: AttentionResult): Promise<Uint32Array[]> => bits(out, lse);

const dense = { layout: 'dense', q: [1, 4, 70, 64], k: [1, 2, 90, 64] } as const;
const packed = { layout: 'varlen', q: [70, 4, 64], k: [90, 2, 64] } as const;

describe('plan.encode', () => {
  it.for([1, 3])(
    'into a pass of the caller gives the bits of run, numSplits %i',
    async (numSplits) => {
      using plan = planAttention(gpu, { ...dense, numSplits });
      const tensors = { ...source.dense(1, 70, 90), causal: true, returnLse: true };
      const encoded = inPass((pass) => plan.encode(pass, tensors));
      expect(await outAndLse(encoded)).toEqual(await outAndLse(plan.run(tensors)));
    },
  );

  it.for([1, 3])('twice in one pass keeps each call’s values, numSplits %i', async (numSplits) => {
    using plan = planAttention(gpu, { ...dense, numSplits });
    const tensors = { ...source.dense(1, 70, 90), returnLse: true };
    const calls = [
      { ...tensors, scale: 0.05 },
      { ...tensors, scale: 0.5, causal: true },
    ];
    const [first, second] = inPass((pass) => calls.map((call) => plan.encode(pass, call)));
    expect(await outAndLse(first!)).toEqual(await outAndLse(plan.run(calls[0]!)));
    expect(await outAndLse(second!)).toEqual(await outAndLse(plan.run(calls[1]!)));
  });

  it('keeps its scratch memory at the end of a scope', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const tensors = { ...source.dense(1, 70, 90), returnLse: true };
    const want = await outAndLse(plan.run(tensors));
    const encoded = inPass((pass) => gpu.scope(() => plan.encode(pass, tensors)));
    expect(await outAndLse(encoded)).toEqual(want);
    expect(await outAndLse(inPass((pass) => plan.encode(pass, tensors)))).toEqual(want);
  });

  it('takes lengths as they are at the call, not at the submit', async () => {
    using plan = planAttention(gpu, { ...packed, numSplits: 1 });
    const cuSeqlensQ = Int32Array.of(0, 33, 70);
    const tensors = { ...source.packed(70, 70), cuSeqlensQ, causal: true };
    const want = await bits(plan.run(tensors).out);
    const { out } = inPass(
      (pass) => plan.encode(pass, tensors),
      () => cuSeqlensQ.set([0, 1, 2]),
    );
    expect(await bits(out)).toEqual(want);
  });

  it('reads lengths from the GPU when it runs', async () => {
    using plan = planAttention(gpu, { ...packed, numSplits: 1 });
    const lists = [Int32Array.of(0, 33, 70), Int32Array.of(0, 40, 90)] as const;
    const [cuQ, cuK] = lists.map((list) => gpu.tensor(list, { shape: [3] }));
    const tensors = source.packed(70, 90);
    const { out } = inPass((pass) =>
      plan.encode(pass, { ...tensors, cuSeqlensQ: cuQ!, cuSeqlensK: cuK! }),
    );
    const host = plan.run({ ...tensors, cuSeqlensQ: lists[0], cuSeqlensK: lists[1] });
    expect(await bits(out)).toEqual(await bits(host.out));
  });

  it('reads what work submitted before it has written', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1 });
    const { q, k, v } = source.dense(1, 70, 70);
    const once = plan.run({ q, k, v }).out;
    const want = await bits(plan.run({ q: once, k, v }).out);
    const chained = inPass((pass) => {
      const { out } = plan.encode(pass, { q, k, v });
      return plan.encode(pass, { q: out, k, v }).out;
    });
    expect(await bits(chained)).toEqual(want);
  });

  it('keeps its scratch memory from everybody else until the pass has run', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const tensors = source.dense(1, 5, 90);
    const ours = new Float32Array(3 * 4 * 5 * 64).fill(7);
    // As large as the split results, and so what a pool would hand out next.
    const allocate = (): Tensor[] =>
      Array.from({ length: 8 }, () => gpu.tensor(ours, { shape: [3, 4, 5, 64] }));
    let others: Tensor[] = [];
    const { out } = inPass(
      (pass) => plan.encode(pass, tensors),
      () => (others = allocate()),
    );
    expect(await bits(out)).toEqual(await bits(plan.run(tensors).out));
    for (const other of others) expect(await other.read()).toMatchTensor(ours);
  });

  it('writes nothing for empty problems', () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1 });
    const { out } = inPass((pass) => plan.encode(pass, source.dense(1, 0, 9)));
    expect(out.shape).toEqual([1, 4, 0, 64]);
  });
});
