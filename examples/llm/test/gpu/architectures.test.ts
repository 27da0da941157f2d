import type { Tensor } from '@heed/core';
import { bits, isFullRun, Rng, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { generate } from '../../src/generation/generate.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import { type Config, randomCheckpoint, type RandomCheckpoint } from '../random-checkpoint.ts';
import { expectLogits } from '../expect-logits.ts';
import { referenceLogits } from '../reference-model.ts';
import * as small from '../small-configs.ts';

const gpu = await testGpu();

const tokensOf = (count: number, seed: number): number[] => {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => rng.int(0, 99));
};

/** Loads a checkpoint, and a cache of f32 pages so that rounding is that of arithmetic alone. */
async function loaded(checkpoint: RandomCheckpoint) {
  const model = await LanguageModel.load(gpu, checkpoint.folder);
  const cache = await model.createCache({ maxBytes: 2 ** 22, pageSize: 4, dtype: 'f32' });
  return {
    model,
    cache,
    [Symbol.dispose]: () => {
      cache.dispose();
      model[Symbol.dispose]();
    },
  };
}

const read = async (logits: Tensor): Promise<Float32Array> => {
  const values = await logits.read();
  logits.dispose();
  return values as Float32Array;
};

/** Names and configurations. The quick run leaves out those of the last list, whose features others have too. */
const quick: readonly (readonly [name: string, config: Config])[] = [
  ['Llama 3 (scaled angles, tied)', small.llama3],
  [
    'Qwen 2 (windows from layer 1)',
    { ...small.qwen2, use_sliding_window: true, sliding_window: 7 },
  ],
  ['Qwen 3 (normed heads)', small.qwen3],
  ['Gemma 3', small.gemma3],
  ['gpt-oss (sinks, experts)', small.gptOss],
  ['Gemma 4 (embeddings per layer, shared keys)', small.gemma4e],
];

const others: typeof quick = [
  [
    'Llama (plain angles, biases, untied)',
    {
      ...small.llama3,
      rope_scaling: null,
      attention_bias: true,
      tie_word_embeddings: false,
    },
  ],
  ['Qwen 2 (biases)', small.qwen2],
  [
    'Gemma 3 (layer_types)',
    {
      ...small.gemma3,
      sliding_window_pattern: undefined,
      num_hidden_layers: 2,
      layer_types: ['full_attention', 'sliding_attention'],
    },
  ],
  ['Gemma 4 (wide full layers, keys as values)', small.gemma4],
];

describe.for(isFullRun() ? [...quick, ...others] : quick)('%s', ([, config]) => {
  const checkpoint = randomCheckpoint(config);
  const tokens = tokensOf(21, 3);

  it('has the logits of the float64 model, and the same bits in chunks and token by token', async () => {
    using use = await loaded(checkpoint);
    const { model, cache } = use;
    const whole = model.forward(cache, [{ sequence: cache.open(), tokens, wanted: tokens.length }]);
    const [all] = await bits(whole);
    expectLogits(await read(whole), checkpoint, tokens);

    for (const pieces of [[5, 1, 9, 6], new Array<number>(tokens.length).fill(1)]) {
      const sequence = cache.open();
      let at = 0;
      for (const length of pieces) {
        const piece = tokens.slice(at, at + length);
        const logits = model.forward(cache, [{ sequence, tokens: piece, wanted: piece.length }]);
        expect(await bits(logits)).toEqual([all!.slice(at * 100, (at + length) * 100)]);
        logits.dispose();
        at += length;
      }
      sequence.close();
    }
  });

  it('generates the greedy tokens of the float64 model', async () => {
    using use = await loaded(checkpoint);
    const prompt = tokens.slice(0, 9);
    const want = [...prompt];
    for (let i = 0; i < 6; i++) {
      const last = referenceLogits(checkpoint, want).at(-1)!;
      want.push(last.indexOf(Math.max(...last)));
    }
    const got = [...prompt];
    const options = { prompt, maxTokens: 6, endTokens: [], chunk: 4 };
    for await (const token of generate(use.model, use.cache, options)) got.push(token);
    expect(got).toEqual(want);
  });
});
