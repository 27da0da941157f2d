import { attentionVjp } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

// Scores and the sink are 0 and slopes too, so row i weighs each of its i + 1 keys, and the sink, by 1/(i + 2).
const zero = gpu.tensor([0], { shape: [1] });
const [q, k, v] = inputs(3);
const { out, backward } = attentionVjp(q, k, v, { causal: true, sinks: zero, alibiSlopes: zero });
console.log(await numbers(out)); // [ 0, 0.333, 0.75 ]

// The gradients of Σ out.
const dOut = gpu.tensor([1, 1, 1], { shape: [1, 1, 3, 1] });
const { dv, dSinks, dAlibiSlopes } = backward(dOut);
console.log(await numbers(dv)); // [ 1.083, 0.583, 0.25 ]
console.log(await numbers(dSinks!)); // [ -0.299 ]
console.log(await numbers(dAlibiSlopes!)); // [ 0.424 ]
