import { CapacityError, type Gpu } from '@heed/core';
import { PagedKvCache, type PageFormat } from '@heed/kvcache';
import { attention, heedTensor } from '@heed/tfjs';
import {
  expandDims,
  memory,
  squeeze,
  tensor1d,
  type Tensor3D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Runner } from '../../src/serve/engine/model-runner.ts';
import { rotaryAngles, rotate, tokenAngles } from '../../src/transformer/rotary-angles.ts';
import {
  attentionInputs,
  attentionOutput,
  disposeWeights,
  embed,
  logits,
  mlp,
  tensorsOf,
} from '../../src/transformer/transformer-layers.ts';
import { babbling, config, runnerOf, testTfjs } from './demo-fixtures.ts';

let gpu: Gpu;
let runner: Runner;
beforeAll(async () => {
  gpu = await testTfjs();
  runner = runnerOf(gpu);
});
afterAll(() => runner[Symbol.dispose]());

const { layers, kvHeads, headDim, vocabSize } = config;
const tokens = [...new TextEncoder().encode('Pages are named by what they hold.')];

/** Returns the logits of all tokens as training computes them: without a cache, rotary positions by TensorFlow.js. */
async function dense(): Promise<Float32Array> {
  const weights = tensorsOf(babbling());
  const positions = Int32Array.from(tokens, (_, i) => i);
  const angles = tokenAngles(config, rotaryAngles(config), positions);
  const heads = (x: Tensor3D) => expandDims(transpose(x, [1, 0, 2]));
  const result = tidy(() => {
    let x = embed(weights, tensor1d(tokens, 'int32'));
    for (let layer = 0; layer < layers; layer++) {
      const { q, k, v } = attentionInputs(config, weights, layer, x);
      const [turnedQ, turnedK] = [rotate(q, angles), rotate(k, angles)];
      const out = attention(heads(turnedQ), heads(turnedK), heads(v), { causal: true });
      x = attentionOutput(config, weights, layer, x, transpose(squeeze(out), [1, 0, 2]));
      x = mlp(config, weights, layer, x);
    }
    return logits(config, weights, x);
  });
  const read = (await heedTensor(result).read()) as Float32Array;
  disposeWeights({ ...weights, ...angles, result });
  return read;
}

const createCache = (dtype: PageFormat = 'f32'): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    layers,
    kvHeads,
    headDim,
    pageSize: 4,
    pages: 16,
    dtype,
    poison: true,
  });

it('chunks over pages give the logits of the model over all tokens at once', async () => {
  using cache = await createCache();
  const sequence = cache.open();
  const found: number[] = [];
  for (let start = 0; start < tokens.length; start += 13) {
    const chunk = tokens.slice(start, start + 13);
    const rows = runner.forward(cache, [sequence], [chunk]);
    found.push(...(await heedTensor(rows).slice(0, 0, chunk.length).read()));
    rows.dispose();
  }
  expect(found).toHaveLength(tokens.length * vocabSize);
  const want = await dense();
  const largest = Math.max(...want.map(Math.abs));
  expect(largest).toBeGreaterThan(0.1);
  expect(Math.max(...want.map((x, i) => Math.abs(x - found[i]!)))).toBeLessThan(2e-5 * largest);
});

/** Returns the bits of the last token's logits when a prompt is computed in chunks, each beside rows of other sequences. */
async function bitsOf(
  dtype: PageFormat,
  chunks: readonly number[],
  others: readonly number[],
): Promise<Uint32Array> {
  using cache = await createCache(dtype);
  const sequence = cache.open();
  const mates = others.map(() => cache.open());
  let [start, last] = [0, new Float32Array()];
  for (const size of chunks) {
    const news = [
      ...others.map((count) => tokens.slice(5, 5 + count)),
      tokens.slice(start, start + size),
    ];
    const rows = runner.forward(cache, [...mates, sequence], news);
    const row = news.flat().length - 1;
    last = (await heedTensor(rows)
      .slice(0, row, row + 1)
      .read()) as Float32Array<ArrayBuffer>;
    rows.dispose();
    start += size;
  }
  expect(start).toBe(24);
  return new Uint32Array(last.buffer, last.byteOffset, last.length);
}

it.for(['f16', 'int8', 'int4'] as const)(
  'a row has the same bits whatever is computed beside it, from pages of %s',
  async (dtype) => {
    const alone = await bitsOf(dtype, [16, 8], []);
    expect(await bitsOf(dtype, [1, 10, 13], [1, 2])).toEqual(alone);
    expect(await bitsOf(dtype, [8, 8, 7, 1], [3])).toEqual(alone);
  },
);

it('nothing is copied between TensorFlow.js and heed', async () => {
  using cache = await createCache();
  const sequence = cache.open();
  runner.forward(cache, [sequence], [[1, 2, 3]]).dispose();
  const { device } = gpu;
  const create = device.createCommandEncoder.bind(device);
  const sizes: unknown[] = [];
  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor);
    const copy = encoder.copyBufferToBuffer.bind(encoder) as (...args: unknown[]) => undefined;
    encoder.copyBufferToBuffer = (...args: unknown[]) => (sizes.push(args.at(-1)), copy(...args));
    return encoder;
  };
  try {
    runner.forward(cache, [sequence], [[4]]).dispose();
  } finally {
    device.createCommandEncoder = create;
  }
  // TensorFlow.js uploads scalars by copies of 4 bytes.
  expect(sizes.filter((size) => size !== 4)).toEqual([]);
});

it('a step leaves nothing behind but its logits', async () => {
  using cache = await createCache();
  const sequence = cache.open();
  runner.forward(cache, [sequence], [[1, 2, 3]]).dispose();
  const before = memory().numTensors;
  for (const token of [4, 5, 6]) runner.forward(cache, [sequence], [[token]]).dispose();
  expect(memory().numTensors).toBe(before);
});

it('a step that finds too few pages changes nothing', async () => {
  using cache = await createCache();
  const [sequence, other] = [cache.open(), cache.open()];
  const chunk = Array.from({ length: 15 }, (_, i) => i);
  for (let i = 0; i < 4; i++) runner.forward(cache, [sequence], [chunk]).dispose();
  const [before, stats] = [memory().numTensors, cache.stats()];
  expect(() => runner.forward(cache, [sequence, other], [[1], chunk])).toThrow(CapacityError);
  expect([sequence.length, other.length]).toEqual([60, 0]);
  expect([memory().numTensors, cache.stats()]).toEqual([before, stats]);
});
