// `npm run pack`: builds the packages and packs them as the registry would have them, for `npm install` in a project of yours.
//   --out DIR        where the tarballs go (default: .cache/packs)
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, say } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { build } from './lib/checks.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(async (args) => {
  const { values } = parseArgs({ args, options: { out: { type: 'string' } } });
  const folder = values.out === undefined ? join(root, '.cache', 'packs') : resolve(values.out);
  const env = await prepare({ peers: false });
  process.env.PATH = env.PATH; // pnpm may be the copy in the cache
  await build(env, './packages/*');
  await mkdir(folder, { recursive: true });
  const { packPackages } = await import('./lib/packed.mjs');
  for (const [name, { tarball }] of await packPackages(folder)) say(name, tarball);
  const some = ['core', 'kernels-wgsl', 'flex', 'kvcache'].map((one) => join(folder, `${one}.tgz`));
  process.stdout.write(`npm install ${some.join(' ')}\n`);
  return 0;
});
