import * as mods from '../mods/index.ts';
import { score, table, type Unnamed } from './catalogue-entry.ts';

/** The entries of `@heed/flex/mods`. */
export const modEntries: Readonly<Record<string, Unnamed>> = {
  alibi: score(mods.alibi, {
    about: 'score − slope · distance',
    captures: '`slopes` [Hq]',
    source: 'Press et al. 2022',
    page: { slopes: [0.25, 0.0625, 0.015625, 0.00390625] },
    cases: [{ slopes: table([4], (h) => 2 ** (-2 * (h + 1))) }],
  }),
  softcap: score(mods.softcap, {
    about: 'cap · tanh(score / cap)',
    captures: '`cap`',
    source: 'Gemma 2 (arXiv 2408.00118)',
    page: { cap: 1.5 },
    cases: [{ cap: 2 }, { cap: 0.75 }],
  }),
  relativeBias: score(mods.relativeBias, {
    about: 'score + bias by head and clipped distance',
    captures: '`bias` [Hq, 2 · max + 1], `maxDistance`',
    source: 'Shaw et al. 2018 (arXiv 1803.02155)',
    page: {
      maxDistance: 16,
      bias: table([4, 33], (h, d) => 2 * Math.cos(0.25 * (h + 1) * (d - 16))),
    },
    cases: [
      { bias: table([4, 41]), maxDistance: 20 },
      { bias: table([4, 1]), maxDistance: 0 },
    ],
  }),
  absoluteBias: score(mods.absoluteBias, {
    about: 'score + bias of the pair',
    captures: '`bias` [B, Hq, L, Lk], sizes may be 1',
    source: '`scaled_dot_product_attention`',
    page: {
      bias: table([1, 4, 64, 64], (b, h, q, kv) => 2 * Math.cos(0.1 * (h + 1) * (q + kv))),
    },
    cases: [{ bias: table([2, 1, 64, 96]) }, { bias: table([1, 4, 1, 5]) }],
  }),
  headGate: score(mods.headGate, {
    about: 'score · sigmoid(gate)',
    captures: '`gate` [Hq]',
    source: "PyTorch's FlexAttention tests",
    page: { gate: [-2.5, 0, 2.5, 6] },
    cases: [{ gate: table([4]) }, { gate: table([5], (h) => [0, 3, -2, 200, -200][h]!) }],
  }),
  t5Bias: score(mods.t5Bias, {
    about: 'score + bias by head and bucket of the distance',
    captures: '`bias` [buckets, Hq], `buckets`, `maxDistance`, `bidirectional`',
    source: 'T5 (arXiv 1910.10683)',
    page: {
      buckets: 16,
      maxDistance: 32,
      bidirectional: true,
      bias: table([16, 4], (bucket, h) => 2 * Math.cos(0.4 * (h + 1) * bucket)),
    },
    cases: [
      { bias: table([32, 4]), buckets: 32, maxDistance: 128, bidirectional: true },
      { bias: table([32, 4]), buckets: 32, maxDistance: 128, bidirectional: false },
      { bias: table([7, 4]), buckets: 7, maxDistance: 20, bidirectional: false },
    ],
  }),
  gaussianBias: score(mods.gaussianBias, {
    about: 'score − distance² / 2σ²',
    captures: '`sigma` [Hq]',
    source: 'Sperber et al. 2018 (arXiv 1803.09519)',
    page: { sigma: [1.5, 3, 6, 12] },
    cases: [{ sigma: table([4], (h) => 3 ** h) }],
  }),
};
