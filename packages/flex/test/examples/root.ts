import { openGpu } from '@heed/core';
import { flexAttention } from '@heed/flex';

const gpu = await openGpu();
const x = gpu.tensor(new Float32Array(4 * 8).fill(1), { shape: [1, 1, 4, 8] });

const { out, lse } = flexAttention(x, x, x, {
  scoreMod: (score, b, h, q, kv) => score + (q - kv),
  maskMod: (b, h, q, kv, c) => q >= kv && q - kv < c.window,
  captures: { window: 3 }, // a value: another one compiles nothing
  returnLse: true,
});
console.log(out.shape, await lse.read());
gpu.dispose();
