import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishedFolder } from '../published-folder.ts';
import { randomCheckpoint } from '../random-checkpoint.ts';
import { llama3 } from '../small-configs.ts';
import { END, VOCAB_SIZE } from '../small-tokenizer.ts';

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let folder = '';

beforeAll(async () => {
  const config = { ...llama3, vocab_size: VOCAB_SIZE, eos_token_id: END };
  folder = await publishedFolder(randomCheckpoint(config, { dtype: 'BF16', shards: 2 }));
});

afterAll(() => rm(folder, { recursive: true }));

const run = async (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)('node', ['--conditions=@heed/source', program, ...args]);

it('continues a text of a folder’s model, the same text each time', async () => {
  const args = ['--model', folder, '--prompt', 'the the', '--max-tokens', '8'];
  const first = await run(...args);
  expect(first.stdout).not.toBe('');
  expect(first.stderr).toContain('100 % loaded');
  expect(first.stderr).toMatch(/8 tokens in [\d.]+ s/);
  expect((await run(...args)).stdout).toBe(first.stdout);
  expect((await run(...args, '--raw')).stdout).not.toBe(first.stdout);
});

it('says what is wrong', async () => {
  await expect(run('--model', folder)).rejects.toThrow('--prompt TEXT');
  await expect(run('--model', join(folder, 'none'), '--prompt', 'x')).rejects.toThrow(
    "none', which is no folder",
  );
  await expect(run('--modell', folder)).rejects.toMatchObject({
    stderr: "Unknown option '--modell'. --help lists the options.\n",
  });
  const args = ['--model', folder, '--prompt', 'x', '--max-tokens', 'few'];
  await expect(run(...args)).rejects.toMatchObject({
    stderr: "--max-tokens must be a whole number of 1 or more; got 'few'. Change it.\n",
  });
});
