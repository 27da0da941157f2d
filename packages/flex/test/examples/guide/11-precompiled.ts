import { compileMod, flexAttention, type MaskMod, type PrecompiledMod } from '@heed/flex';
import { inputs, numbers } from './setup.ts';

// When the app is built, by an engine that keeps sources. Of the captures only the types matter.
const near: MaskMod<{ window: number }> = (b, h, q, kv, c) => Math.abs(q - kv) <= c.window;
const json = JSON.stringify(compileMod(near, { window: 1 }));

// In the app: what is parsed stands for the function, and is the same kernel.
const maskMod = JSON.parse(json) as PrecompiledMod;
const { out } = flexAttention(...inputs(6), { maskMod, captures: { window: 1 } });
console.log(await numbers(out)); // [ 0.5, 1, 2, 3, 4, 4.5 ]
console.log(compileMod(maskMod, { window: 2 }).hash === compileMod(near, { window: 1 }).hash); // true
