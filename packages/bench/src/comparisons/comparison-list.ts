import { createBlockMask, flexAttention } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { relativeBias } from '@heed/flex/mods';
import { attention } from '@heed/kernels-wgsl';
import type { Comparison } from '../measure/bench-results.ts';
import { backwardBesideForward, backwardOfMods } from './backward-cost.ts';
import { blockMaskContestants } from './block-mask-cost.ts';
import { cascadeComparisons } from './cascade-cost.ts';
import { cacheCost, decodeOverPages } from './cache-cost.ts';
import {
  type DenseCall,
  denseContestant,
  type DenseInputs,
  denseInputs,
} from './dense-contestants.ts';
import { dispatchCost } from './host-cost.ts';
import { gradientBesideJax, jaxDistance } from './jax-gradients.ts';
import { paddedAndPacked } from './padded-batches.ts';
import { indexerContestants, selectedBackward, selectedContestants } from './selected-cost.ts';
import { latentDecode, storageTypes } from './storage-cost.ts';
import { storeCost } from './store-cost.ts';

const inputs = memo(() => denseInputs(8, 1024, 64));
const causalInputs = memo(() => denseInputs(8, 2048, 64));
const wideInputs = memo(() => denseInputs(8, 1024, 128));
const longInputs = memo(() => denseInputs(4, 8192, 64));

const plain: DenseCall = {
  name: 'plain',
  how: 'attention(q, k, v)',
  reference: {},
  call: () => (qkv) => attention(...qkv).out,
};

const builtInCausal: DenseCall = {
  name: 'causal',
  how: 'attention(q, k, v, { causal: true })',
  reference: { causal: true },
  call: () => (qkv) => attention(...qkv, { causal: true }).out,
};

const eighth = Int32Array.of(2048 / 8);
const WINDOW = 256;
const MAX_DISTANCE = 128;
const biasAt = (h: number, distance: number): number => Math.sin(h * 31 + distance * 0.7) / 2;

/** The comparisons of the benchmark, in the order they run. */
export const comparisons: readonly Comparison[] = [
  {
    id: 'flex-score',
    title: 'score mods fused, f32, B1 S1024 H8 D64',
    contestants: [
      dense(inputs, plain),
      dense(inputs, {
        name: 'trivial',
        how: 'scoreMod: (score) => score',
        atMost: 1 / 0.97,
        reference: { scoreMod: (score) => score },
        call: () => (qkv) => flexAttention(...qkv, { scoreMod: (score) => score }).out,
      }),
      dense(inputs, {
        name: 'relative bias',
        how: 'scoreMod: relativeBias, a table of 8 × 257',
        atMost: 1 / 0.9,
        reference: {
          scoreMod: (score, b, h, q, kv) =>
            score + biasAt(h, Math.max(-MAX_DISTANCE, Math.min(MAX_DISTANCE, q - kv))),
        },
        call: (gpu, owned) => {
          const width = 2 * MAX_DISTANCE + 1;
          const values = Float32Array.from({ length: 8 * width }, (_, i) =>
            biasAt(Math.floor(i / width), (i % width) - MAX_DISTANCE),
          );
          const bias = owned(gpu.tensor(values, { shape: [8, width] }));
          const captures = { bias, maxDistance: MAX_DISTANCE };
          return (qkv) => flexAttention(...qkv, { scoreMod: relativeBias, captures }).out;
        },
      }),
      dense(inputs, {
        name: 'distance',
        how: 'scoreMod: score + (q - kv) / 64',
        reference: { scoreMod: (score, b, h, q, kv) => score + (q - kv) / 64 },
        call: () => (qkv) =>
          flexAttention(...qkv, { scoreMod: (score, b, h, q, kv) => score + (q - kv) / 64 }).out,
      }),
      jaxDistance(inputs, 64),
    ],
  },
  {
    id: 'flex-causal',
    headline: true,
    title: 'causal three ways, f32, B1 S1024 H8 D64',
    contestants: [
      dense(inputs, builtInCausal),
      dense(inputs, {
        name: 'maskMod',
        how: 'maskMod: causal',
        atMost: 1.03,
        reference: { causal: true },
        call: () => (qkv) => flexAttention(...qkv, { maskMod: causal }).out,
      }),
      dense(inputs, {
        name: 'blockMask',
        how: 'blockMask: createBlockMask(gpu, causal)',
        reference: { causal: true },
        call: (gpu) => {
          const blockMask = createBlockMask(gpu, causal, { Lq: 1024, Lk: 1024 });
          return (qkv) => flexAttention(...qkv, { blockMask }).out;
        },
      }),
    ],
  },
  {
    id: 'causal-2048',
    title: 'causal beside full, f32, B1 S2048 H8 D64',
    contestants: [
      dense(causalInputs, plain),
      dense(causalInputs, { ...builtInCausal, atMost: 0.58 }),
    ],
  },
  {
    id: 'dropout-64',
    title: 'dropout beside none, f32, B1 S1024 H8 D64',
    contestants: withDropout(inputs),
  },
  {
    id: 'dropout-128',
    title: 'dropout beside none, f32, B1 S1024 H8 D128',
    contestants: withDropout(wideInputs),
  },
  {
    id: 'window-8192',
    title: `sliding window of ${WINDOW} beside full, f32, B1 S8192 H4 D64`,
    contestants: [
      dense(longInputs, plain),
      dense(longInputs, {
        name: 'window',
        how: `attention(q, k, v, { window: [${WINDOW}, 0] })`,
        atMost: 1 / 12,
        reference: { window: [WINDOW, 0] },
        call: () => (qkv) => attention(...qkv, { window: [WINDOW, 0] }).out,
      }),
      dense(longInputs, {
        name: 'maskMod',
        how: 'maskMod: slidingWindow',
        atMost: 1 / 12,
        reference: { window: [WINDOW, 0] },
        call: () => (qkv) =>
          flexAttention(...qkv, { maskMod: slidingWindow, captures: { window: WINDOW } }).out,
      }),
    ],
  },
  {
    id: 'used-eighth',
    title: 'an eighth of the allocated keys in use, beside all of them, f32, B1 S2048 H8 D64',
    contestants: [
      dense(causalInputs, plain),
      dense(causalInputs, {
        name: 'seqUsedK',
        how: 'attention(q, k, v, { seqUsedK: [256] })',
        atMost: 1 / 6,
        reference: {},
        seqUsedK: eighth,
        call: () => (qkv) => attention(...qkv, { seqUsedK: eighth }).out,
      }),
    ],
  },
  {
    id: 'selected-decode',
    title: 'a decode step over 2,048 selected keys beside all 65,536, f16, 32/8 heads D128',
    contestants: selectedContestants({
      heads: [32, 8],
      rows: 1,
      keys: 65_536,
      entries: 2048,
      headDim: 128,
      dtype: 'f16',
      atMost: 1 / 16,
    }),
  },
  {
    id: 'selected-prefill',
    // All 4,096 rows over all keys would take minutes: 32 of them take 1/128 of that, so 16 times their time is 1/8.
    title:
      'the last 4,096 rows of a prefill over 2,048 selected keys beside the last 32 over all 65,536, f32, 128/1 heads D64',
    contestants: selectedContestants({
      heads: [128, 1],
      rows: 4096,
      rowsOfAll: 32,
      keys: 65_536,
      entries: 2048,
      headDim: 64,
      dtype: 'f32',
      atMost: 16,
    }),
  },
  {
    id: 'top-keys',
    title:
      'a decode step of an indexer (8 heads D64) for 2,048 of 65,536 keys beside attention to all, f16, 32/8 heads D128',
    contestants: indexerContestants(
      { heads: [32, 8], rows: 1, keys: 65_536, entries: 2048, headDim: 128, dtype: 'f16' },
      { heads: 8, headDim: 64 },
    ),
  },
  {
    id: 'selected-backward',
    title:
      'backward over 256 selected keys beside all 8,192, f32, the last 512 rows, 8/1 heads D64',
    contestants: selectedBackward({
      heads: [8, 1],
      rows: 512,
      keys: 8192,
      entries: 256,
      headDim: 64,
      dtype: 'f32',
    }),
  },
  {
    id: 'backward',
    headline: true,
    title: 'backward beside forward, causal f32, B1 S1024 H8 D64',
    contestants: backwardBesideForward(inputs),
  },
  {
    id: 'backward-jax',
    title: 'forward and gradient beside jax-js, causal f32, B1 S1024 H8 D64',
    contestants: gradientBesideJax(inputs),
  },
  {
    id: 'backward-flex',
    title: 'backward through score mods, f32, B1 S1024 H8 D64',
    contestants: backwardOfMods(inputs),
  },
  {
    id: 'block-mask-16k',
    title: 'building a mask beside the attention it prunes, causal + document, B1 S16384 H4 D64',
    contestants: blockMaskContestants(4, 16384),
  },
  {
    id: 'packed-padded',
    title: 'a packed batch beside a padded one, causal f32, 8/2 heads D64, text lengths',
    contestants: paddedAndPacked(),
  },
  {
    id: 'kv-decode',
    title:
      'eight layers of a decode step over pages, f32 queries, 64 sequences of 512 keys, 8/2 heads D64',
    contestants: decodeOverPages(),
  },
  ...cascadeComparisons,
  {
    id: 'bf16',
    title: 'prefill over bf16 beside f16 on the same tile path, B1 S1024 H8 D64',
    contestants: storageTypes(),
  },
  {
    id: 'mla-decode',
    title:
      'a decode step of multi-head latent attention, f16, 128/1 heads, D576 and 512, 4,096 keys',
    contestants: latentDecode(),
  },
  {
    id: 'kv-host',
    title: 'what the cache costs the host, 64 sequences of 512 keys, one layer',
    contestants: cacheCost(20),
  },
  {
    id: 'kv-load',
    title:
      'what a load from memory costs the processor, per 4 MiB of pages, 16 layers, 8 kv heads D64 f16',
    contestants: storeCost(),
  },
  {
    id: 'host-cost',
    title: 'time on the host of a thousand dispatches, the GPU idle',
    contestants: dispatchCost(),
  },
];

function withDropout(makeInputs: () => DenseInputs): Comparison['contestants'] {
  const dropout = { rate: 0.1, seed: 1 };
  return [
    dense(makeInputs, plain),
    dense(makeInputs, {
      name: 'dropout',
      how: 'attention(q, k, v, { dropout: { rate: 0.1, seed } })',
      atMost: 1.1,
      reference: { dropout },
      call: () => (qkv) => attention(...qkv, { dropout }).out,
    }),
  ];
}

function dense(makeInputs: () => DenseInputs, call: DenseCall): Comparison['contestants'][number] {
  return denseContestant(makeInputs, call);
}

function memo<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
