import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomCheckpoint } from '../../../llm/test/random-checkpoint.ts';
import { llama3 } from '../../../llm/test/small-configs.ts';
import { tokenizerFiles, VOCAB_SIZE } from '../../../llm/test/small-tokenizer.ts';

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-server-'));
  const checkpoint = randomCheckpoint({ ...llama3, vocab_size: VOCAB_SIZE });
  for (const name of ['config.json', 'model.safetensors']) {
    const file = (await checkpoint.folder(name))!;
    await writeFile(join(folder, name), new Uint8Array(await file.arrayBuffer()));
  }
  for (const [name, json] of Object.entries(tokenizerFiles)) {
    await writeFile(join(folder, name), JSON.stringify(json));
  }
});

afterAll(() => rm(folder, { recursive: true }));

/** A port that is free now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Starts the program, sends it a prompt, and ends it; returns the answer and what it has said. */
async function session(): Promise<{ text: string; said: string }> {
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
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { text: choices[0]!.text, said };
}

it('serves a folder, and finds its pages again after a restart', async () => {
  const first = await session();
  expect(first.said).toMatch(/^0 pages loaded$/m);
  const saved = Number(/^(\d+) pages saved$/m.exec(first.said)?.[1]);
  expect(saved).toBeGreaterThan(1);
  const second = await session();
  expect(second.said).toMatch(new RegExp(`^${saved} pages loaded$`, 'm'));
  expect(second.text).toBe(first.text);
});
