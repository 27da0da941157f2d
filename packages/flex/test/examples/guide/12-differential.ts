import { flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { gpu, numbers } from './setup.ts';

// Two heads over four tokens. q and k hold the heads of the first map, then those of the second.
const [heads, L] = [2, 4];
const q = gpu.tensor(new Float32Array(2 * heads * L).fill(1), { shape: [1, 2 * heads, L, 1] });
// The first map weighs key 3 five-fold. What both maps give to all keys alike is noise.
const signal = [0, 0, 0, Math.log(5)];
const noise = [0, 0, 0, 0];
const k = gpu.tensor([...signal, ...signal, ...noise, ...noise], { shape: [1, 2 * heads, L, 1] });
const v = gpu.tensor([0, 1, 2, 3, 0, 1, 2, 3], { shape: [1, heads, L, 1] });

// One call per map, over the same v. Both are the same kernel, and go out together.
const maps = gpu.batch(() =>
  [0, heads].map((first) => {
    const half = [q, k].map((x) => x.slice(1, first, first + heads));
    return flexAttention(half[0]!, half[1]!, v, { maskMod: causal, scale: 1 }).out;
  }),
);

// The difference is elementwise, for a kernel of your engine; here it is computed on the CPU. Each head has its own λ.
const lambda = [0.5, 0.25];
const [first, second] = await Promise.all(maps.map((out) => numbers(out)));
const difference = first!.map((x, i) => x - lambda[Math.floor(i / L)]! * second![i]!);
console.log(difference.slice(0, L)); // [ 0, 0.25, 0.5, 1.5 ]
console.log(difference.slice(L)); // [ 0, 0.375, 0.75, 1.875 ]
