import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsdown';
import { expect, onTestFinished, test } from 'vitest';
import { library } from '../../tsdown.base.ts';
import { apiChanges, writeApi } from '../api.mjs';
import { root } from '../lib/tool.mjs';

/** Builds a package's declarations, and the `api` of them, into a folder that is removed after the test. */
async function builtPackage(name) {
  const source = join(root, 'packages', name);
  const folder = mkdtempSync(join(tmpdir(), `heed-${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(source, 'package.json'), join(folder, 'package.json'));
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap((target) => target['@heed/source'] ?? []);
  const declarations = library(entries).find(({ dts }) => dts !== false);
  const outDir = join(folder, 'dist');
  await build({ ...declarations, config: false, cwd: source, outDir, logLevel: 'error' });
  await writeApi(folder);
  return { folder, dist: outDir };
}

/** Replaces every occurrence of a text in the built declarations while `work` runs. */
async function whileDamaged(dist, [from, to], work) {
  const files = readdirSync(dist, { recursive: true })
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => join(dist, name))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
    .filter(({ text }) => text.includes(from));
  expect(files).not.toEqual([]);
  for (const { path, text } of files) writeFileSync(path, text.replaceAll(from, to));
  try {
    await work();
  } finally {
    for (const { path, text } of files) writeFileSync(path, text);
  }
}

const damages = {
  core: [
    ['batch<T>(', 'batchRenamed<T>('],
    ['readonly shape: readonly number[];', 'readonly shape: any;'],
  ],
  'kernels-wgsl': [['readonly causal?: boolean;', 'readonly causalRenamed?: boolean;']],
  flex: [['(score: number, b: number', '(score: any, b: number']],
};

test.for(Object.entries(damages))('changed declarations of %s are found', async ([name, list]) => {
  const { folder, dist } = await builtPackage(name);
  for (const [from, to] of list) {
    await whileDamaged(dist, [from, to], async () => {
      const [change] = await apiChanges(folder);
      expect(change).toMatch(/^- .*\n\+ /m);
      expect(change).toContain(to);
    });
  }
  expect(await apiChanges(folder)).toEqual([]);
});

test('the command refuses changed declarations and says how to accept them', async () => {
  const { folder, dist } = await builtPackage('onnx');
  const check = (...args) =>
    spawnSync(process.execPath, [join(root, 'tools', 'api.mjs'), ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
  await whileDamaged(dist, ['sessionOptions', 'sessionOptionsRenamed'], () => {
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain('npm run api:update');
    expect(check('--update').status).toBe(0);
  });
  expect((await apiChanges(folder))[0]).toContain(
    '- export declare function sessionOptionsRenamed',
  );
});
