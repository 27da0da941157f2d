import type { Gpu, Tensor } from '@heed/core';
import { attention, planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';

const LAYERS = 32;
const shape = [1, 2, 3, 8];

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const ramp = (dims: readonly number[], first: number): Tensor =>
  gpu.tensor(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(first + i)),
    { shape: [...dims] },
  );

/** Runs steps of a model and counts the bind groups made by the last. */
async function groupsOfLastStep(step: () => Tensor): Promise<number> {
  const outs: ArrayLike<number>[] = [];
  const spy = vi.spyOn(gpu.device, 'createBindGroup');
  for (let i = 0; i < 4; i++) {
    spy.mockClear();
    using out = step();
    outs.push(await out.read());
  }
  const count = spy.mock.calls.length;
  spy.mockRestore();
  for (const out of outs) expect(out).toEqual(outs[0]);
  return count;
}

/** Each layer attends to keys of its own; queries are the output of the layer before. */
function layers(q: Tensor, call: (q: Tensor, layer: number) => Tensor): Tensor {
  let x = q;
  for (let layer = 0; layer < LAYERS; layer++) {
    const next = call(x, layer);
    if (x !== q) x.dispose();
    x = next;
  }
  return x;
}

describe('a second step over the same keys makes no bind group', () => {
  it.for([
    ['in a batch', (step: () => Tensor): Tensor => gpu.batch(step)],
    ['call by call', (step: () => Tensor): Tensor => step()],
  ] as const)('%s', async ([, grouped]) => {
    const q = ramp(shape, 0);
    const keys = Array.from({ length: LAYERS }, (_, i) => ({
      k: ramp(shape, i),
      v: ramp(shape, -i),
    }));
    const plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
    const cuSeqlensQ = Int32Array.of(0, 2, 3);
    const packed = q.reshape([3, 2, 8]);
    const ways: Record<string, () => Tensor> = {
      plan: () => layers(q, (x, i) => plan.run({ q: x, ...keys[i]!, causal: true }).out),
      attention: () => layers(q, (x, i) => attention(x, keys[i]!.k, keys[i]!.v).out),
      split: () => layers(q, (x, i) => attention(x, keys[i]!.k, keys[i]!.v, { numSplits: 2 }).out),
      varlen: () =>
        layers(packed, (x, i) => {
          const [k, v] = [keys[i]!.k.reshape([3, 2, 8]), keys[i]!.v.reshape([3, 2, 8])];
          return varlenAttention(x, k, v, { cuSeqlensQ, causal: true }).out;
        }),
    };
    for (const [name, step] of Object.entries(ways)) {
      expect({ [name]: await groupsOfLastStep(() => grouped(step)) }).toEqual({ [name]: 0 });
    }
  });
});
