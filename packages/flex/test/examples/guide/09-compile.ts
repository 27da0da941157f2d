import { compileMod, type MaskMod, type ScoreMod } from '@heed/flex';

const cap: ScoreMod<{ cap: number }> = (score, b, h, q, kv, c) => c.cap * Math.tanh(score / c.cap);
const { js, derivative } = compileMod(cap, { cap: 2.5 });
console.log(js(1, 0, 0, 7, 3).toFixed(4)); // 0.9499
console.log(derivative!.js(1, 0, 0, 7, 3).score.toFixed(4)); // 0.8556

const causal: MaskMod = (b, h, q, kv) => q >= kv;
const renamed: MaskMod = (a, b, i, j) => j <= i;
console.log(compileMod(causal).hash === compileMod(renamed).hash); // true
console.log(compileMod(causal).wgsl);

const noisy: ScoreMod = (score) => score + Math.random();
try {
  compileMod(noisy);
} catch (error) {
  console.log((error as Error).message);
}
