// `npm run pack`: builds the packages and packs them as the registry would have them, for `npm install` in a project of yours.
//   --out DIR   where the tarballs go (default: .cache/packs)
//   --check     uses them as their users do, and prints how large they are (`npm run pack:check`)
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, turbo } from './lib/checks.mjs';
import { packPackages } from './lib/packages.mjs';
import { prepare } from './lib/setup.mjs';
import { printSizes } from './lib/sizes.mjs';
import { root, runMain, say } from './lib/tool.mjs';

await runMain(async (args) => {
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
});

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
