import { attentionVjp, mergeStates } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

const [q, near, nearV] = inputs(1, 2); // a window
const [, far, farV] = inputs(1, 6); // another cache, of which a list names two keys
const selectedKeys = gpu.tensor([1, 5], { shape: [1, 1, 1, 2], dtype: 'i32' });

const window = attentionVjp(q, near, nearV);
const selection = attentionVjp(q, far, farV, { selectedKeys });
const { out, lse } = mergeStates([window, selection]);
console.log(await numbers(out)); // [ 1.75 ]

/** The gradient of `out` by the values of a part: out = Σ weight · part.out, where weight = exp(part.lse − lse). */
async function gradient(part: typeof window): Promise<number[]> {
  const all = await Promise.all([part.out, part.lse, out, lse].map((x) => x.read()));
  const [partOut, partLse, whole, wholeLse] = all.map(([x]) => x!) as [
    number,
    number,
    number,
    number,
  ];
  const weight = Math.exp(partLse - wholeLse);
  const dOut = gpu.tensor([weight], { shape: [1, 1, 1, 1] });
  const dLse = gpu.tensor([weight * (partOut - whole)], { shape: [1, 1, 1] });
  return numbers(part.backward(dOut, dLse).dv);
}

console.log(await gradient(window)); // [ 0.25, 0.25 ]
console.log(await gradient(selection)); // [ 0, 0.25, 0, 0, 0, 0.25 ]
