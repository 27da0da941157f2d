import type { AddressInfo } from 'node:net';
import { request as httpRequest, type Server } from 'node:http';
import { openGpu } from '@heed/core';
import { ChatTokenizer, generate, LanguageModel, ServeEngine } from '@heed/llm';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderOf, randomCheckpoint } from '../../../llm/test/random-checkpoint.ts';
import { llama3 } from '../../../llm/test/small-configs.ts';
import { END, tokenizerFiles, VOCAB_SIZE } from '../../../llm/test/small-tokenizer.ts';
import { openAiServer } from '../../src/openai-server.ts';
import { ModelHost, type ServedModel } from '../../src/served-model.ts';

const config = { ...llama3, vocab_size: VOCAB_SIZE, eos_token_id: END };
const checkpoint = randomCheckpoint(config);

let opened = 0;
let host: ModelHost;
let server: Server;
let base: string;
let client: OpenAI;

async function open(): Promise<ServedModel> {
  opened++;
  const gpu = await openGpu({ onError: () => {} });
  const tokenizer = await ChatTokenizer.load(folderOf(tokenizerFiles));
  const model = await LanguageModel.load(gpu, checkpoint.folder, { context: 200 });
  const cache = await model.createCache({ maxBytes: 2 ** 20, pageSize: 4 });
  const engine = new ServeEngine(model, cache, { pageSize: 4, seats: 4 });
  return { gpu, model, cache, engine, tokenizer, generation: { sampling: {}, endTokens: [] } };
}

beforeAll(async () => {
  host = new ModelHost(open);
  server = openAiServer(host, { model: 'tiny', maxTokens: 40, bodyBytes: 5000, waiting: 5 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'none', maxRetries: 0 });
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await host.close();
});

/** The text of a prompt by the plain loop. */
async function alone(
  prompt: string,
  maxTokens: number,
  temperature = 0,
  seed = 0,
): Promise<string> {
  const { model, tokenizer } = await host.current();
  using cache = await model.createCache({ maxBytes: 2 ** 20, pageSize: 4 });
  const options = { prompt: tokenizer.encode(prompt), maxTokens, sampling: { temperature, seed } };
  const tokens: number[] = [];
  for await (const token of generate(model, cache, options)) tokens.push(token);
  return tokenizer.decode(tokens);
}

const ask = { model: 'tiny', prompt: 'the the', max_tokens: 12, temperature: 0 } as const;

describe('the openai client', () => {
  it('completes texts, each with the answer that it gets alone', async () => {
    const prompts = ['the the', 'a', 'the the cat'];
    const { choices, usage, object } = await client.completions.create({ ...ask, prompt: prompts });
    const want = await Promise.all(prompts.map((prompt) => alone(prompt, 12)));
    expect(choices.map(({ text }) => text)).toEqual(want);
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual([
      'length',
      'length',
      'length',
    ]);
    expect(object).toBe('text_completion');
    expect(usage!.completion_tokens).toBe(36);
  });

  it('streams the same text, and the usage at its end', async () => {
    const stream = await client.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.text ?? '';
      tokens = usage?.completion_tokens ?? 0;
    }
    expect(text).toBe(await alone('the the', 12));
    expect(tokens).toBe(12);
  });

  it('answers conversations, several times with a seed', async () => {
    const messages = [{ role: 'user' as const, content: 'the' }];
    const more = {
      model: 'tiny',
      messages,
      max_completion_tokens: 9,
      temperature: 1,
      seed: 5,
      n: 3,
    };
    const first = await client.chat.completions.create(more);
    const texts = first.choices.map(({ message }) => message.content);
    expect(new Set(texts).size).toBe(3);
    const stream = await client.chat.completions.create({ ...more, stream: true });
    const streamed = ['', '', ''];
    for await (const { choices } of stream) {
      for (const { index, delta } of choices) streamed[index] += delta.content ?? '';
    }
    expect(streamed).toEqual(texts);
  });

  it('ends at a stop string', async () => {
    const whole = await alone('the the', 12);
    const stop = whole.slice(4, 6);
    const { choices } = await client.completions.create({ ...ask, stop });
    expect(choices[0]!.text).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(choices[0]!.finish_reason).toBe('stop');
  });

  it.for([
    [{ n: 9 }, 'n must be a whole number from 1 to 8'],
    [{ max_tokens: 41 }, 'max_tokens must be a whole number from 1 to 40'],
    [{ temperature: 3 }, 'temperature must be from 0 to 2'],
    [{ logprobs: 3 }, 'does not implement logprobs = 3'],
    [{ logit_bias: { 5: 1 } }, 'does not implement logit_bias'],
    [{ cleverness: 11 }, 'does not implement cleverness'],
    [{ prompt: '' }, 'prompt must be'],
    [{ prompt: [5, 1000] }, '1000 is no token'],
    [{ prompt: 'x '.repeat(150) }, 'the prompt must have 1 to 199 tokens'],
    [{ prompt: 'x'.repeat(6000) }, 'the body may have 5000 bytes'],
  ] as const)('gets a refusal for %o', async ([more, message]) => {
    const body = { ...ask, ...more } as unknown as OpenAI.CompletionCreateParamsNonStreaming;
    await expect(client.completions.create(body)).rejects.toThrow(message);
  });

  it('lists the model', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['tiny']);
  });
});

describe('the server', () => {
  it('accepts keys that request nothing', async () => {
    const neutral = { presence_penalty: 0, logit_bias: {}, user: 'me', echo: false, suffix: null };
    const { choices } = await client.completions.create({ ...ask, ...neutral, max_tokens: 1 });
    expect(choices).toHaveLength(1);
  });

  it('finds cached prompts of the same salt alone', async () => {
    const { engine } = await host.current();
    const cached = async (cache_salt: string): Promise<number> => {
      const before = engine.stats.cached;
      const prompt = 'a prompt of some pages that repeats';
      const body = JSON.stringify({ ...ask, prompt, max_tokens: 1, cache_salt });
      const answer = await fetch(`${base}/v1/completions`, { method: 'POST', body });
      await answer.text();
      return engine.stats.cached - before;
    };
    expect(await cached('one')).toBe(0);
    expect(await cached('one')).toBeGreaterThan(20);
    expect(await cached('two')).toBe(0);
  });

  it('tells its health, and counts for Prometheus', async () => {
    expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'ok' });
    const text = await (await fetch(`${base}/metrics`)).text();
    expect(text).toMatch(
      /^heed_http_requests_total\{path="\/v1\/completions",status="200"\} \d+$/m,
    );
    expect(text).toMatch(/^heed_tokens_generated_total [1-9]\d*$/m);
    expect(text).toMatch(/^heed_first_token_seconds_bucket\{le="\+Inf"\} [1-9]\d*$/m);
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# TYPE \w+ (counter|gauge|histogram)|\w+(\{[^}]*\})? \d[\d.e+-]*)$/);
    }
  });

  it('refuses other paths, methods and bodies', async () => {
    expect((await fetch(`${base}/v1/nothing`)).status).toBe(404);
    expect((await fetch(`${base}/v1/completions`)).status).toBe(405);
    const bad = await fetch(`${base}/v1/completions`, { method: 'POST', body: '{' });
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('ends the answers of a connection that closes', async () => {
    const { engine, cache } = await host.current();
    const body = JSON.stringify({ ...ask, max_tokens: 40, n: 4, temperature: 2, stream: true });
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${base}/v1/completions`, { method: 'POST' }, (response) => {
        response.once('data', () => {
          request.destroy();
          resolve();
        });
      });
      request.on('error', () => {});
      request.end(body);
    });
    await engine.idle();
    expect(engine.stats).toMatchObject({ waiting: 0, running: 0 });
    expect(cache.stats().sequences).toBe(0);
  });

  it('puts off requests beyond those that may wait', async () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      fetch(`${base}/v1/completions`, {
        method: 'POST',
        body: JSON.stringify({ ...ask, prompt: `${i} a`, max_tokens: 40 }),
      }),
    );
    const answers = await Promise.all(many);
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(answers.find(({ status }) => status === 429)!.headers.get('retry-after')).toBe('1');
    await Promise.all(answers.map((one) => one.text()));
  });

  it('opens the model again after its device is lost', async () => {
    const want = await alone('the the', 12);
    const before = opened;
    const { gpu } = await host.current();
    const stream = await client.completions.create({ ...ask, max_tokens: 40, stream: true });
    const reading = (async () => {
      for await (const _ of stream) gpu.device.destroy();
    })();
    await expect(reading).rejects.toThrow('lost');
    await gpu.lost;
    const { choices } = await client.completions.create(ask);
    expect(choices[0]!.text).toBe(want);
    expect(opened).toBe(before + 1);
  });
});
