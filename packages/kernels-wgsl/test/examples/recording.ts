import { openGpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';

const gpu = await openGpu();
const rows = (...shape: number[]) =>
  gpu.tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), { shape });

// A step of two sequences with room for 256 keys each. Only the GPU needs to know how many are in use.
const [q, k, v] = [rows(2, 8, 1, 64), rows(2, 2, 256, 64), rows(2, 2, 256, 64)];
const seqUsedK = gpu.tensor(Int32Array.of(0, 0), { shape: [2] });
const plan = planAttention(gpu, { layout: 'dense', q: q.shape, k: k.shape, numSplits: 4 });
const step = plan.record({ q, k, v, seqUsedK, returnLse: true });

for (const used of [Int32Array.of(5, 90), Int32Array.of(6, 91)]) {
  // Kernels of the model would write q, the new rows of k and v, and the lengths.
  gpu.device.queue.writeBuffer(seqUsedK.buffer, seqUsedK.byteOffset, used);
  step.replay();
  console.log(Math.exp((await step.lse!.read())[8]! - 8).toFixed(1)); // 90.0, then 91.0
}
step.dispose();
gpu.dispose();
