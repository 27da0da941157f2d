import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@heed/testing/free-port';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishedFolder } from '../../../llm/test/published-folder.ts';
import { type Config, randomCheckpoint } from '../../../llm/test/random-checkpoint.ts';
import { gemma3, llama3 } from '../../../llm/test/small-configs.ts';
import { VOCAB_SIZE } from '../../../llm/test/small-tokenizer.ts';

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const folders = { llama3: '', gemma3: '' };

const writeModel = (config: Config): Promise<string> =>
  publishedFolder(randomCheckpoint({ ...config, vocab_size: VOCAB_SIZE }));

beforeAll(async () => {
  folders.llama3 = await writeModel(llama3);
  folders.gemma3 = await writeModel(gemma3);
});

afterAll(async () => {
  for (const folder of Object.values(folders)) await rm(folder, { recursive: true });
});

interface Session {
  readonly text: string;
  readonly said: string;
  /** Of the prompt's tokens, those that were not computed. */
  readonly cached: number;
}

/** Starts the program, sends it a prompt, and ends it; returns the answer and what it has said. */
async function session(folder: string): Promise<Session> {
  const port = await freePort();
  const store = join(folder, 'store');
  const args = ['--model', folder, '--port', String(port), '--store', store, '--name', 'tiny'];
  const child = spawn('node', ['--conditions=@heed/source', program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('/v1')) {
    if (child.exitCode !== null) throw new Error(said);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const prompt = 'the quick brown fox jumps over the lazy dog';
  const answer = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ prompt, max_tokens: 5, temperature: 0 }),
  });
  const { choices } = (await answer.json()) as { choices: { text: string }[] };
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const cached = Number(/^heed_tokens_cached_total (\d+)$/m.exec(metrics)?.[1]);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { text: choices[0]!.text, said, cached };
}

it.each([
  ['layers alike', 'llama3'],
  ['groups of layers', 'gemma3'],
] as const)('serves %s, and finds the pages again after a restart', async (_, model) => {
  const folder = folders[model];
  const first = await session(folder);
  expect(first.cached).toBe(0);
  expect(first.said).toMatch(/^0 pages loaded$/m);
  const saved = Number(/^(\d+) pages saved$/m.exec(first.said)?.[1]);
  expect(saved).toBeGreaterThan(1);
  const second = await session(folder);
  expect(second.cached).toBeGreaterThan(16);
  expect(second.said).toMatch(new RegExp(`^${saved} pages loaded$`, 'm'));
  expect(second.text).toBe(first.text);
});

/** Runs the program, which should end at once; returns what it has said. */
async function fault(...args: string[]): Promise<string> {
  const run = promisify(execFile)('node', ['--conditions=@heed/source', program, ...args]);
  const { stderr } = await run.catch((error: { stderr: string }) => error);
  return stderr.replace(/^Warning: .*\n/gm, '');
}

it('says in one line why it does not start', async () => {
  const model = ['--model', folders.llama3];
  expect(await fault('--prot', '1')).toBe("Unknown option '--prot'. --help lists the options.\n");
  expect(await fault(...model, '--port', 'http')).toBe(
    "--port must be a whole number from 0 to 65535; got 'http'. Change it.\n",
  );
  const none = join(folders.llama3, 'none');
  expect(await fault('--model', none, '--port', '0')).toMatch(
    /^nodeFolder: .*which is no folder.*\n$/,
  );
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  expect(await fault(...model, '--port', String(port))).toBe(
    `Port ${port} is in use. Choose another with --port.\n`,
  );
  other.close();
});
