import { openGpu } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';

const gpu = await openGpu(); // npm install webgpu
const [B, Hq, Hkv, L, D] = [1, 8, 2, 512, 64];
const normal = (n: number) => Float32Array.from({ length: n }, () => Math.random() * 2 - 1);

const q = gpu.tensor(normal(B * Hq * L * D), { shape: [B, Hq, L, D] });
const k = gpu.tensor(normal(B * Hkv * L * D), { shape: [B, Hkv, L, D] });
const v = gpu.tensor(normal(B * Hkv * L * D), { shape: [B, Hkv, L, D] });

const { out, lse } = attention(q, k, v, { causal: true, returnLse: true });
console.log(out.shape, (await out.read())[0], (await lse.read())[0]);
gpu.dispose();
