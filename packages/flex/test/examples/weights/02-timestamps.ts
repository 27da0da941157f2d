import type { Tensor } from '@heed/core';
import { attentionWeights, type ScoreMod } from '@heed/flex';
import { gpu, inputs } from './setup.ts';

// Three tokens of a transcript look at ten frames of 20 ms each. These scores stand for those of a model's cross-attention.
const peaks = gpu.tensor([1, 4, 8], { shape: [3] });
const aligned: ScoreMod<{ peaks: Tensor }> = (score, b, h, q, kv, c) =>
  score - 4 * (kv - c.peaks[q]!) * (kv - c.peaks[q]!);

const [q, k] = inputs(3, 10);
const captures = { peaks };
const weights = attentionWeights(q, k, { scoreMod: aligned, captures, align: 'start' });
const seen = await weights.read();
const frames = [0, 1, 2].map((i) =>
  seen.subarray(10 * i, 10 * i + 10).reduce((sum, weight, frame) => sum + weight * frame, 0),
);
console.log(frames.map((frame) => Math.round(20 * frame))); // [ 20, 80, 160 ]
