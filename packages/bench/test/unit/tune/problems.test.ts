import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gpu } from '@heed/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { presets } from '../../../src/tune/presets.ts';
import { problemsOf, toTune } from '../../../src/tune/problems.ts';

const gpu = { label: 'a Gpu' } as Gpu;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-problems-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('problems with mods are compiled for the tuner, others go as they are', () => {
  const plain = presets['prefill-f32']!;
  expect(toTune(plain)).toBe(plain);
  const [mask, score] = ['flex-causal-f32', 'flex-softcap-training-f32'].map((name) =>
    toTune(presets[name]!),
  );
  expect(mask).toMatchObject({ hooks: { key: expect.stringMatching(/^mask_[0-9a-f]{16}$/) } });
  expect(score).toMatchObject({ hooks: { key: expect.stringMatching(/^score_[0-9a-f]{16}$/) } });
});

test('a file gives problems by name, or makes them of the Gpu', async () => {
  const plain = await file('plain.mjs', "export default { mine: { layout: 'dense' } };");
  expect(await problemsOf(plain, gpu)).toEqual({ mine: { layout: 'dense' } });
  const made = await file('made.mjs', 'export default (gpu) => ({ [gpu.label]: {} });');
  expect(await problemsOf(made, gpu)).toEqual({ 'a Gpu': {} });
});

test('a file without problems is refused, with what it must export', async () => {
  const empty = await file('empty.mjs', 'export const other = 1;');
  await expect(problemsOf(empty, gpu)).rejects.toThrow(/empty\.mjs must export by default/);
  await expect(problemsOf(join(folder, 'none.mjs'), gpu)).rejects.toThrow(/^--module: .*none\.mjs/);
});
