import { attentionWeights, type ScoreMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { inputs } from './setup.ts';

const words = ['Ada', 'wrote', 'the', 'first', 'program'];
// Weights that fall by two thirds from key to key stand for those of a model.
const nearby: ScoreMod = (score, b, h, q, kv) => score - 1.1 * (q - kv);

const [q, k] = inputs(5);
const weights = attentionWeights(q, k, { scoreMod: nearby, maskMod: causal, rows: [2, 5] });
console.log(weights.shape); // [ 1, 1, 3, 5 ]

const seen = await weights.read();
const shade = (weight: number) => '·░▒▓█'[Math.round(4 * weight)];
const row = (i: number) => Array.from(seen.subarray(5 * i, 5 * i + 5), shade).join('');
const picture = [0, 1, 2].map((i) => `${row(i)} ${words[i + 2]}`);
console.log(picture.join(' | ')); // ·░▓·· the | ··░▓· first | ···░▓ program
