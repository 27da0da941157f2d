import { bind, flexAttention } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { gpu, inputs, numbers } from './setup.ts';

// 8 query heads share a kv head; gpt-oss has 64 and 8, of 64 elements. Each head has a learned sink.
const [q, k, v] = inputs(256, 256, 8);
const kv = [k, v].map((x) => x.slice(1, 0, 1)) as [typeof k, typeof v];
const sinks = gpu.tensor([Math.log(128), 0, 0, 0, 0, 0, 0, 0], { shape: [8] });

// Every second layer, from the first on, sees 128 keys, of which the query is one; the others see all before them.
const window = bind(slidingWindow, { window: 127 });
const layers = [0, 1].map((layer) => {
  const maskMod = layer % 2 === 0 ? window : causal;
  return flexAttention(q, ...kv, { maskMod, sinks }).out;
});

// The last query in the first two heads.
const last = layers.map((out) => out.slice(2, 255, 256).slice(1, 0, 2));
console.log(await numbers(last[0]!)); // [ 95.75, 190.016 ]
console.log(await numbers(last[1]!)); // [ 85, 127.004 ]
