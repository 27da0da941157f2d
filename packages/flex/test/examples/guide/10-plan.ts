import { kernelCount } from '@heed/core/kernel';
import { planFlexAttention } from '@heed/flex';
import { gpu, inputs, numbers } from './setup.ts';

const problem = { layout: 'dense', q: [1, 1, 6, 8], k: [1, 1, 6, 8], v: [1, 1, 6, 1] } as const;
const plan = planFlexAttention(gpu, {
  ...problem,
  maskMod: (b, h, q, kv, { window }) => Math.abs(q - kv) <= window,
  captures: { window: 1 },
});

const progress: string[] = [];
await plan.warmup({
  signal: AbortSignal.timeout(60_000), // stops the waiting; what is being compiled serves later calls
  onProgress: (done, total, label) => progress.push(`${done} of ${total}: ${label}`),
});
console.log(progress.at(-1)!.endsWith('ready')); // true

const kernels = kernelCount(gpu);
const [q, k, v] = inputs(6);
console.log(await numbers(plan.run({ q, k, v }).out)); // [ 0.5, 1, 2, 3, 4, 4.5 ]
const wider = plan.run({ q, k, v, captures: { window: 2 } });
console.log(await numbers(wider.out)); // [ 1, 1.5, 2, 3, 3.5, 4 ]
console.log(kernelCount(gpu) - kernels); // 0
plan.dispose();
