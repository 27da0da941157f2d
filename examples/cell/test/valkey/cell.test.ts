import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isFullRun } from '@heed/testing';
import { freePort } from '@heed/testing/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishedFolder } from '../../../llm/test/published-folder.ts';
import { randomCheckpoint } from '../../../llm/test/random-checkpoint.ts';
import { llama3 } from '../../../llm/test/small-configs.ts';
import { VOCAB_SIZE } from '../../../llm/test/small-tokenizer.ts';
import { Cell, type CellOptions } from '../../src/cell.ts';

let folder = '';
let cell: Cell;
const said: string[] = [];

const start = async (options: Partial<CellOptions>): Promise<Cell> =>
  Cell.start({
    model: folder,
    name: 'tiny',
    workers: 2,
    port: await freePort(3),
    cacheBytes: 2 ** 22,
    valkey: process.env['HEED_VALKEY_SERVER']!,
    say: (line) => said.push(line),
    ...options,
  });

beforeAll(async () => {
  folder = await publishedFolder(randomCheckpoint({ ...llama3, vocab_size: VOCAB_SIZE }));
  cell = await start({});
});

afterAll(async () => {
  await cell?.stop();
  await rm(folder, { recursive: true, force: true });
});

const words = ['the', 'quick', 'brown', 'fox', 'jumps', 'over', 'the', 'lazy', 'dog'];

interface Question {
  readonly prompt: string;
  readonly seed: number;
  readonly isStream: boolean;
}

/** Prompts that begin alike by fours. */
const questions = (count: number): Question[] =>
  Array.from({ length: count }, (_, i) => {
    const shared = Array.from({ length: 12 }, (__, n) => words[(n + (i >> 2)) % words.length]!);
    return {
      prompt: [...shared, words[i % words.length]!].join(' '),
      seed: i,
      isStream: i % 2 === 0,
    };
  });

async function ask({ prompt, seed, isStream }: Question): Promise<string> {
  const response = await fetch(`${cell.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ prompt, seed, max_tokens: 24, temperature: 0.8, stream: isStream }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${body}`);
  const textOf = (json: string): string =>
    (JSON.parse(json) as { choices: { text: string }[] }).choices.map(({ text }) => text).join('');
  if (!isStream) return textOf(body);
  const events = [...body.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!);
  expect(events.at(-1)).toBe('[DONE]');
  return events.slice(0, -1).map(textOf).join('');
}

/** Calls a function for all items in order, `count` at a time, as many clients do. */
async function lanes<T, R>(
  items: readonly T[],
  count: number,
  call: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await call(items[i]!, i);
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
  return results;
}

interface Figures {
  readonly requests: number;
  readonly retries: number;
  readonly cachedShare: number;
  readonly storeBytes?: number;
  readonly workers: readonly {
    readonly worker: string;
    readonly entries: number;
    readonly requests: number;
  }[];
}

const figures = async (): Promise<Figures> =>
  (await (await fetch(`${cell.url}/cell.json`)).json()) as Figures;

describe('a cell of two workers', { timeout: 280_000 }, () => {
  const asked = questions(isFullRun() ? 200 : 24);
  let answers: string[];

  it('answers like one server, and its dashboard says by which worker', async () => {
    // One after the other, so that every answer is computed alone.
    answers = [];
    for (const question of asked) answers.push(await ask(question));
    expect(new Set(answers).size).toBeGreaterThan(asked.length / 2);
    const { workers, requests, cachedShare, storeBytes } = await figures();
    expect(requests).toBe(asked.length);
    expect(workers.map(({ worker }) => worker).toSorted()).toEqual(['worker-0', 'worker-1']);
    expect(cachedShare).toBeGreaterThan(0.2);
    expect(storeBytes).toBeGreaterThan(0);
    const html = await (await fetch(cell.url)).text();
    expect(html).toContain('<h1>Cell</h1>');
  });

  it('gives every answer again, to the letter, while a worker and the store are lost', async () => {
    const again = await lanes(asked, 24, (question, i) => {
      if (i === Math.floor(asked.length / 3)) cell.kill('worker-0');
      if (i === Math.floor(asked.length / 2)) cell.kill('valkey');
      return ask(question);
    });
    expect(again).toEqual(answers);
    expect((await figures()).retries).toBeGreaterThan(0);
    expect(said.join('\n')).toContain('worker-0 has ended');
    expect(said.join('\n')).toContain('valkey has ended');
  });

  it('has its worker back, empty, and goes on', async () => {
    for (let i = 0; i < 600; i++) {
      const { workers } = await figures();
      if (workers.length === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await ask(asked[0]!)).toBe(answers[0]);
    expect((await figures()).workers).toHaveLength(2);
  });
});

it('does not start without a part, and says which', async () => {
  await expect(start({ valkey: 'no-such-server' })).rejects.toThrow(
    'valkey does not start (there is no program no-such-server; install it, or see --help).',
  );
  await expect(start({ model: join(folder, 'none') })).rejects.toThrow('which is no folder');
  const port = await freePort(2);
  const other = createServer().listen(port + 1, '127.0.0.1');
  await once(other, 'listening');
  await expect(start({ port, workers: 1 })).rejects.toThrow('worker-0 does not start');
  other.close();
});
