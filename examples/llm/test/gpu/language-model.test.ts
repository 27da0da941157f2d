import { CapacityError, ValidationError } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { bits, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { generate } from '../../src/generation/generate.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { CheckpointFolder } from '../../src/checkpoint/checkpoint-folder.ts';
import { folderOf, randomCheckpoint, safetensors, type Weight } from '../random-checkpoint.ts';
import { expectLogits } from '../expect-logits.ts';
import { gemma3, gemma4e, gptOss, llama3, qwen3 } from '../small-configs.ts';

const gpu = await testGpu();

it('a sequence has the same bits in a batch of prompts and single tokens as alone', async () => {
  using model = await LanguageModel.load(gpu, randomCheckpoint(gemma3).folder);
  using cache = await model.createCache({ maxBytes: 2 ** 22, pageSize: 4 });
  const texts = [[3, 14, 15, 92, 65, 35, 89, 79, 3], [23], [84, 62, 64], [33, 83, 2, 7]];
  const alone = await Promise.all(
    texts.map(async (tokens) => {
      const sequence = cache.open();
      for (const token of tokens.slice(0, -1)) {
        model.forward(cache, [{ sequence, tokens: [token], wanted: 0 }]).dispose();
      }
      const logits = model.forward(cache, [{ sequence, tokens: tokens.slice(-1) }]);
      sequence.close();
      return (await bits(logits))[0]!;
    }),
  );
  const sequences = texts.map(() => cache.open());
  // The first sequence has computed all but one token, the others nothing.
  const head = { sequence: sequences[0]!, tokens: texts[0]!.slice(0, -1), wanted: 0 };
  model.forward(cache, [head]).dispose();
  const batch = texts.map((tokens, i) => {
    return { sequence: sequences[i]!, tokens: i === 0 ? tokens.slice(-1) : tokens };
  });
  const [together] = await bits(model.forward(cache, batch.toReversed()));
  expect(together).toEqual(Uint32Array.from(alone.toReversed().flatMap((row) => [...row])));
});

it.for([
  ['F16', 1],
  ['BF16', 3],
  ['F32', 2],
] as const)('loads %s weights from %i files', async ([dtype, shards]) => {
  for (const config of [qwen3, gemma3, gptOss, gemma4e]) {
    const checkpoint = randomCheckpoint(config, { dtype, shards, seed: 5 });
    const progress: number[] = [];
    using model = await LanguageModel.load(gpu, checkpoint.folder, {
      onProgress: (done, total) => progress.push(done / total),
    });
    using cache = await model.createCache({ maxBytes: 2 ** 20, dtype: 'f32' });
    const tokens = [5, 50, 7, 77, 0, 99, 31];
    const logits = model.forward(cache, [
      { sequence: cache.open(), tokens, wanted: tokens.length },
    ]);
    expectLogits(await logits.read(), checkpoint, tokens);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  }
});

it.for([
  // 7 rows of the embedding in a part.
  ['a matrix in parts of its rows', qwen3, 7 * 48 * 4],
  // One expert of gate and up, of 80 rows, and two of down.
  ['experts in parts of whole ones', gptOss, 80 * 48 * 4],
] as const)('loads %s', async ([, config, partBytes]) => {
  const checkpoint = randomCheckpoint(config);
  const run = async (options: object): Promise<Uint32Array[]> => {
    using model = await LanguageModel.load(gpu, checkpoint.folder, options);
    using cache = await model.createCache({ maxBytes: 2 ** 20 });
    return bits(model.forward(cache, [{ sequence: cache.open(), tokens: [1, 99, 50], wanted: 3 }]));
  };
  expect(await run({ partBytes })).toEqual(await run({}));
});

it.for([
  ['model.language_model.', 'Gemma4', gemma4e, 'model.vision_tower.patch.weight'],
  ['language_model.model.', 'Gemma3', gemma3, 'vision_tower.patch.weight'],
] as const)(
  'loads the text model of one for images, under %s',
  async ([prefix, family, config, other]) => {
    const alone = randomCheckpoint(config);
    const { architectures: _, ...text_config } = config;
    const whole = {
      architectures: [`${family}ForConditionalGeneration`],
      text_config,
      vision_config: { hidden_size: 3 },
      image_token_id: 90,
      eos_token_id: [7],
    };
    const named = [...alone.weights].map(([name, weight]) => {
      return [name.replace(/^model\./, prefix), weight] as [string, Weight];
    });
    const tower: [string, Weight] = [other, { shape: [3], values: new Float32Array(3) }];
    const files = {
      'config.json': whole,
      'model.safetensors': safetensors([...named, tower], 'F32'),
    };
    const run = async (folder: CheckpointFolder): Promise<Uint32Array[]> => {
      using model = await LanguageModel.load(gpu, folder);
      using cache = await model.createCache({ maxBytes: 2 ** 20 });
      return bits(
        model.forward(cache, [{ sequence: cache.open(), tokens: [1, 99, 50], wanted: 3 }]),
      );
    };
    expect(await run(folderOf(files))).toEqual(await run(alone.folder));
  },
);

it('windowed layers keep the pages of their window alone', async () => {
  using model = await LanguageModel.load(gpu, randomCheckpoint(gemma3).folder);
  // 200 tokens of all 4 layers are 205 kB; those of the one full layer are a quarter.
  using cache = await model.createCache({ maxBytes: 100_000, pageSize: 4, dtype: 'f32' });
  const sequence = cache.open();
  for (let i = 0; i < 25; i++) {
    model.forward(cache, [{ sequence, tokens: [1, 2, 3, 4, 5, 6, 7, i], wanted: 0 }]).dispose();
  }
  expect(sequence.length).toBe(200);
});

it('compiles nothing after its warm-up', async () => {
  // A head dim that no other test has.
  const { folder } = randomCheckpoint({ ...gemma4e, head_dim: 12, global_head_dim: 24 });
  using model = await LanguageModel.load(gpu, folder);
  using cache = await model.createCache({ maxBytes: 2 ** 20, pageSize: 4 });
  const before = kernelCount(gpu);
  await model.warmup(cache);
  const after = kernelCount(gpu);
  expect(after).toBeGreaterThan(before);
  const prompt = Array.from({ length: 50 }, (_, i) => i);
  const sampling = { temperature: 1, seed: 1 };
  for await (const _ of generate(model, cache, { prompt, sampling, maxTokens: 3, chunk: 20 }));
  expect(kernelCount(gpu)).toBe(after);
  expect(cache.stats().sequences).toBe(0);
});

it('takes cached tokens of a prompt over, and frees all memory', async () => {
  const before = gpu.memory().tensors;
  {
    using model = await LanguageModel.load(gpu, randomCheckpoint(llama3).folder, { context: 64 });
    using cache = await model.createCache({ maxBytes: 2 ** 20, pageSize: 4 });
    const prompt = [9, 8, 7, 6, 5, 4, 3, 2, 1];
    const run = async (): Promise<number[]> => {
      const tokens: number[] = [];
      for await (const token of generate(model, cache, { prompt, maxTokens: 5 }))
        tokens.push(token);
      return tokens;
    };
    const first = await run();
    expect(cache.open({ tokens: prompt }).cachedTokens).toBe(8);
    expect(await run()).toEqual(first);
  }
  expect(gpu.memory().tensors).toBe(before);
});

it('stops at an end token, at the end of the context and on abort', async () => {
  using model = await LanguageModel.load(gpu, randomCheckpoint(llama3).folder, { context: 12 });
  using cache = await model.createCache({ maxBytes: 2 ** 20 });
  const run = async (options: object): Promise<number[]> => {
    const tokens: number[] = [];
    const all = { prompt: [1, 2, 3], endTokens: [], ...options };
    for await (const token of generate(model, cache, all)) tokens.push(token);
    return tokens;
  };
  const tokens = await run({});
  expect(tokens).toHaveLength(9);
  expect(await run({ endTokens: [tokens[2]!] })).toEqual(
    tokens.slice(0, tokens.indexOf(tokens[2]!) + 1),
  );
  expect(await run({ sampling: { temperature: 1, seed: 3 } })).not.toEqual(tokens);
  expect(await run({ sampling: { temperature: 1, topK: 1, seed: 3 } })).toEqual(tokens);
  await expect(run({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  await expect(run({ chunk: 0 })).rejects.toThrow('chunk must be');
  await expect(run({ maxTokens: 1.5 })).rejects.toThrow('maxTokens must be');
  await expect(run({ sampling: { top_p: 0.5 } })).rejects.toThrow('mean topP');
  await expect(run({ prompt: [] })).rejects.toThrow(ValidationError);
  await expect(run({ prompt: new Array(12).fill(1) })).rejects.toThrow('1 to 11 tokens');
});

it('changes nothing when a step is refused', async () => {
  using model = await LanguageModel.load(gpu, randomCheckpoint(llama3).folder);
  using cache = await model.createCache({ maxBytes: 20_000, pageSize: 4, dtype: 'f32' });
  const sequence = cache.open();
  model.forward(cache, [{ sequence, tokens: [1, 2, 3], wanted: 0 }]).dispose();
  const { tensors } = gpu.memory();
  const long = new Array<number>(200).fill(1);
  expect(() => model.forward(cache, [{ sequence, tokens: long }])).toThrow(CapacityError);
  expect(() => model.forward(cache, [{ sequence, tokens: [100] }])).toThrow('from 0 to 99');
  expect(() => model.forward(cache, [{ sequence, tokens: [] }])).toThrow('got none for entry 0');
  const many = [{ sequence, tokens: [1], wanted: 2 }];
  expect(() => model.forward(cache, many)).toThrow('wanted must be from 0 to 1');
  expect(sequence.length).toBe(3);
  expect(gpu.memory().tensors).toBe(tensors);
});

it('reads no weight if the configuration is refused, and keeps none if a weight is', async () => {
  const { tensors } = gpu.memory();
  const { weights } = randomCheckpoint(llama3);
  const load = (config: object, named: typeof weights): Promise<unknown> =>
    LanguageModel.load(gpu, async (name) => {
      if (name === 'model.safetensors' && config !== llama3) throw new Error('weights were read');
      return folderOf({
        'config.json': config,
        'model.safetensors': safetensors([...named], 'F32'),
      })(name);
    });
  await expect(load({ ...llama3, mlp_bias: true }, weights)).rejects.toThrow('mlp_bias = true');
  const less = new Map(weights);
  less.delete('model.layers.1.mlp.up_proj.weight');
  await expect(load(llama3, less)).rejects.toThrow('layers.1.mlp.up_proj.weight" must be [80, 48]');
  const more = new Map([
    ...weights,
    ['model.layers.0.self_attn.q_norm.weight', { shape: [16], values: new Float32Array(16) }],
  ] as const);
  await expect(load(llama3, more)).rejects.toThrow('no weight "model.layers.0.self_attn.q_norm');
  expect(gpu.memory().tensors).toBe(tensors);
});
