// `npm run pack`: builds the packages and packs them as for the registry, for `npm install` in a project of yours.
//   --out DIR   where the tarballs go (default: .cache/packs)
//   --check     uses them as their users do, and prints how large they are (`npm run pack:check`)
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, turbo } from './lib/checks.mjs';
import { packPackages } from './lib/packages.mjs';
import { run, tail } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { isMain, root, runMain, say, SetupError, tableText } from './lib/tool.mjs';

/**
 * The target size per import, in kB, minified and gzipped: a page loads it before its first attention. The limits in
 * .size-limit.json fail a build. They are just above the present sizes, so that every growth is a decision.
 */
const TARGETS = {
  '@heed/core': 12,
  '@heed/kernels-wgsl with core: attention': 34,
  '@heed/flex with core and kernels, without acorn: flexAttention': 60,
  '@heed/kvcache without core: PagedKvCache': 20,
};

async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: 'string', default: join(root, '.cache', 'packs') },
      check: { type: 'boolean', default: false },
    },
  });
  const env = await prepare({ peers: values.check });
  process.env.PATH = env.PATH; // pnpm may be the copy in the cache
  await build(env, './packages/*');
  return values.check ? check(env) : pack(resolve(values.out));
}

async function pack(folder) {
  await mkdir(folder, { recursive: true });
  for (const [name, { tarball }] of await packPackages(folder)) say(name, tarball);
  const some = ['core', 'kernels-wgsl', 'flex', 'kvcache'].map((one) => join(folder, `${one}.tgz`));
  process.stdout.write(`npm install ${some.join(' ')}\n`);
  return 0;
}

async function check(env) {
  say('consumer', 'what users get');
  const { code } = await turbo(env, ['check:consumer']);
  say('size', 'minified and gzipped');
  const tooLarge = await printSizes(env);
  return code === 0 && !tooLarge ? 0 : 1;
}

/** Prints the size of each import beside its limit and its target; resolves to whether one exceeds its limit. */
async function printSizes(env) {
  const { stdout, text } = await run('size-limit', ['--json'], { env, output: 'capture' });
  if (!stdout.trimStart().startsWith('['))
    throw new SetupError(`size-limit failed:\n${tail(text)}`);
  const rows = JSON.parse(stdout);
  console.log(`\n${sizesText(rows)}\n`);
  return rows.some(({ passed }) => !passed);
}

/** Returns the table of sizes, in kB of 1000 bytes. */
export function sizesText(rows) {
  const lines = rows.map(({ name, size, sizeLimit, passed }) => [
    name,
    kB(size),
    `${kB(sizeLimit)}${passed ? '' : ' exceeded'}`,
    TARGETS[name]?.toFixed(1) ?? '',
  ]);
  const isNumber = (column) => column > 0;
  return tableText([['import', 'kB', 'limit', 'target'], ...lines], isNumber);
}

const kB = (bytes) => (bytes / 1000).toFixed(1);

if (isMain(import.meta)) await runMain(main);
