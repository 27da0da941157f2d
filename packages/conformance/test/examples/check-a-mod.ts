import { gradcheck } from '@heed/conformance';
import { openGpu } from '@heed/core';
import { flexAttentionVjp, type ScoreMod } from '@heed/flex';

const gpu = await openGpu();
const data = Float32Array.from({ length: 64 }, () => Math.random() - 0.5);
const x = gpu.tensor(data, { shape: [1, 1, 8, 8] });

const scoreMod: ScoreMod<{ cap: number }> = (s, b, h, i, j, c) => c.cap * Math.tanh(s / c.cap);
const inputs = { q: x, k: x, v: x, scoreMod, captures: { cap: 2 } }; // float tables are checked too
const report = await gradcheck(flexAttentionVjp, inputs);
console.log(report.ok, report.toText()); // the worst element of each input: got, want, relative error
gpu.dispose();
