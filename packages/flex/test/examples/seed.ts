import { openGpu, type Tensor } from '@heed/core';
import { flexAttention } from '@heed/flex';

/** The seed example of the field, over [1, 4, 40, 8] queries and [1, 2, 40, 8] keys. On your own device, or its own. */
export async function seedExample(device?: GPUDevice): Promise<Float32Array> {
  const gpu = await openGpu(device ? { device } : {});
  const tensor = (heads: number, turn: number): Tensor =>
    gpu.tensor(
      Array.from({ length: heads * 40 * 8 }, (_, i) => Math.sin(i * turn)),
      { shape: [1, heads, 40, 8] },
    );
  const [q, k, v] = [tensor(4, 0.7), tensor(2, 1.3), tensor(2, 2.9)];
  // As people type it.
  // oxlint-disable-next-line eslint/no-shadow
  const { out } = flexAttention(q, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) });
  const data = (await out.read()) as Float32Array;
  gpu.dispose();
  return data;
}
