import { bind, flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { alibi, softcap } from '@heed/flex/mods';
import { gpu, inputs, numbers } from './setup.ts';

// A slope of ln 2 halves a key's weight for each position of distance.
const slopes = gpu.tensor([Math.LN2], { shape: [1] });
const biased = flexAttention(...inputs(4), {
  scoreMod: alibi,
  maskMod: causal,
  captures: { slopes },
});
console.log(await numbers(biased.out)); // [ 0, 0.667, 1.429, 2.267 ]

// One mod that calls another and your own function: captured functions are inlined.
const cap = bind(softcap, { cap: 2.5 });
const composed = flexAttention(...inputs(4), {
  scoreMod: (score, b, h, q, kv, c, info) =>
    c.cap(score + c.bonus(q - kv), b, h, q, kv, c, info) - c.slope * Math.abs(q - kv),
  captures: {
    cap,
    bonus: (distance: number) => (distance % 2 === 0 ? 10 : 0),
    slope: Math.LN2,
  },
});
console.log(await numbers(composed.out)); // [ 0.439, 1.375, 1.625, 2.561 ]
