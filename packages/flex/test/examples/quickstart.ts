import { openGpu } from '@heed/core';
import { flexAttention } from '@heed/flex';

const gpu = await openGpu(); // or openGpu({ device }) over your own GPUDevice
const random = (...shape: number[]) =>
  gpu.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, Math.random), { shape });

const q = random(1, 8, 64, 64); // [B, Hq, L, D]
const [k, v] = [random(1, 2, 64, 64), random(1, 2, 64, 64)]; // 4 query heads share each kv head
const bias = random(8, 127); // by head and distance
const { out } = flexAttention(q, k, v, {
  scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j + 63]!,
  captures: { bias },
});

console.log(out.shape, await out.read()); // [1, 8, 64, 64] Float32Array(32768)
gpu.dispose();
