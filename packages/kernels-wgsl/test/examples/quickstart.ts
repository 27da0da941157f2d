import { openGpu } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';

const gpu = await openGpu(); // or openGpu({ device }) over your own GPUDevice
const random = (...shape: number[]) =>
  gpu.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.random() - 0.5),
    { shape },
  );

const q = random(1, 8, 512, 64); // [B, Hq, L, D]
const k = random(1, 2, 512, 64); // 4 query heads share each kv head
const v = random(1, 2, 512, 64);
const { out, lse } = attention(q, k, v, { causal: true, returnLse: true });

console.log(out.shape, await out.read()); // [1, 8, 512, 64] Float32Array(262144)
console.log(lse.shape, await lse.read()); // [1, 8, 512] Float32Array(4096)
gpu.dispose();
