import { CapacityError, ValidationError } from '@heed/core';
import { isFullRun, testGpu } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../src/generation/generate.ts';
import type { Sampling } from '../../src/generation/sampling.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { ServeRequest } from '../../src/serving/answer-lane.ts';
import { type EngineOptions, ServeEngine } from '../../src/serving/serve-engine.ts';
import { randomCheckpoint } from '../random-checkpoint.ts';
import { gemma3, llama3 } from '../small-configs.ts';

const gpu = await testGpu();
const page = { pageSize: 4, dtype: 'f16' } as const;

/** The tokens of a request served alone by the plain loop. */
async function alone(model: LanguageModel, request: ServeRequest, answer = 0): Promise<number[]> {
  using cache = await model.createCache({ maxBytes: 2 ** 22, ...page });
  const { prompt, sampling = {}, maxTokens, endTokens } = request;
  const own: Sampling = { ...sampling, seed: (sampling.seed ?? 0) + answer };
  const options = {
    prompt,
    sampling: own,
    ...(maxTokens && { maxTokens }),
    ...(endTokens && { endTokens }),
  };
  const tokens: number[] = [];
  for await (const token of generate(model, cache, options)) tokens.push(token);
  return tokens;
}

const all = async (answer: AsyncIterable<number>): Promise<number[]> => {
  const tokens: number[] = [];
  for await (const token of answer) tokens.push(token);
  return tokens;
};

const repeated = [7, 8, 9, 10, 11, 12];
const shared = [5, 6, 7, 8, 1, 2, 3, 4, 90, 91, 92, 93];

/** Requests of all kinds: long and short, with equal beginnings, greedy and sampled, several answers, with a penalty. */
const requests: readonly ServeRequest[] = [
  { prompt: [...shared, 20], maxTokens: 9 },
  { prompt: [...shared, 21, 22], maxTokens: 5, sampling: { temperature: 1, seed: 4 } },
  { prompt: [...repeated, ...repeated, ...repeated], maxTokens: 12 },
  {
    prompt: [...shared, ...repeated, ...shared],
    maxTokens: 4,
    sampling: { temperature: 2, topP: 0.9 },
  },
  // A small model falls into a loop, which prompt lookup guesses.
  { prompt: [61, 62], maxTokens: 45, endTokens: [] },
  { prompt: [3], maxTokens: 10, answers: 3, sampling: { temperature: 1.5, topK: 20, seed: 7 } },
  { prompt: [44, 45], maxTokens: 11, sampling: { repetitionPenalty: 1.3 }, priority: 1 },
];

describe.for([
  ['Llama 3', llama3],
  ['Gemma 3, with windows', gemma3],
] as const)('ServeEngine with %s', ([, config]) => {
  let model: LanguageModel;

  beforeAll(async () => {
    model = await LanguageModel.load(gpu, randomCheckpoint(config).folder, { context: 64 });
  });

  afterAll(() => model[Symbol.dispose]());

  const settings = [
    ['few pages', { rows: 16, seats: 8, watermark: 1 }, config === llama3 ? 16_000 : 15_000],
    ['a large batch', { rows: 64, seats: 16 }, 2 ** 22],
    ['few rows and seats', { rows: 5, seats: 3 }, 2 ** 22],
    ['no guesses', { rows: 16, seats: 8, drafts: 0 }, 2 ** 22],
  ] as const satisfies readonly (readonly [string, EngineOptions, number])[];

  it.for(isFullRun() || config === llama3 ? settings : settings.slice(0, 1))(
    'every answer equals the one that its request gets alone: %s',
    async ([name, options, maxBytes]) => {
      using cache = await model.createCache({ maxBytes, ...page });
      const engine = new ServeEngine(model, cache, { ...options, pageSize: 4 });
      const answers = requests.map((request) => engine.submit(request));
      const got = await Promise.all(answers.flat().map(all));
      const want = requests.flatMap((request) =>
        Array.from({ length: request.answers ?? 1 }, (_, i) => alone(model, request, i)),
      );
      expect(got).toEqual(await Promise.all(want));
      expect(answers.flat().map(({ finish }) => finish)).not.toContain(undefined);
      const { waiting, running, cached, preemptions, guessed, accepted } = engine.stats;
      expect({ waiting, running }).toEqual({ waiting: 0, running: 0 });
      expect(cached).toBeGreaterThan(0);
      if (name === 'few pages') expect(preemptions).toBeGreaterThan(0);
      expect(guessed === 0).toBe(name === 'no guesses');
      expect(accepted > 0).toBe(guessed > 0);
      expect(cache.stats().sequences).toBe(0);
    },
  );
});

describe('ServeEngine', () => {
  it('ends answers on abort, at a reader that stops, and at a refusal', async () => {
    using model = await LanguageModel.load(gpu, randomCheckpoint(llama3).folder, { context: 64 });
    using cache = await model.createCache({ maxBytes: 2 ** 20, ...page });
    const engine = new ServeEngine(model, cache, { pageSize: 4 });
    const abort = new AbortController();
    const [aborted, sibling] = engine.submit({
      prompt: [1, 2],
      endTokens: [],
      answers: 2,
      signal: abort.signal,
    });
    const [left] = engine.submit({ prompt: [1, 2], endTokens: [] });
    const [whole] = engine.submit({ prompt: [9], maxTokens: 6, endTokens: [] });
    const seen: number[] = [];
    for await (const token of left!) if (seen.push(token) === 3) break;
    abort.abort(new Error('gone'));
    await expect(all(aborted!)).rejects.toThrow('gone');
    await expect(all(sibling!)).rejects.toThrow('gone');
    expect(left!.finish).toBe('cancelled');
    expect(await all(whole!)).toHaveLength(6);
    expect(whole!.finish).toBe('length');
    await engine.idle();
    expect(cache.stats().sequences).toBe(0);

    expect(() => engine.submit({ prompt: [] })).toThrow(ValidationError);
    expect(() => engine.submit({ prompt: [100] })).toThrow('100 is no token');
    expect(() => engine.submit({ prompt: [1], maxTokens: 0 })).toThrow('maxTokens');
    expect(() => engine.submit({ prompt: [1], n: 3 } as ServeRequest)).toThrow('there is no n');
    expect(() => new ServeEngine(model, cache, { seat: 3 } as EngineOptions)).toThrow('mean seats');
    expect(() => engine.submit({ prompt: [1], sampling: { topP: 2 } })).toThrow('topP');
    using small = await model.createCache({ maxBytes: 4000, ...page });
    expect(() => new ServeEngine(model, small).submit({ prompt: [1] })).toThrow(CapacityError);
    expect(() => new ServeEngine(model, small, { rows: 2, seats: 3 })).toThrow('rows');
    const late = new AbortController();
    late.abort(new Error('before'));
    const [never] = engine.submit({ prompt: [1], signal: late.signal });
    await expect(all(never!)).rejects.toThrow('before');
    await engine.idle();
  });
});
