// `npm run pack:check`: packs the public packages and uses them as their users do; then says how large they are.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, say } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { build } from './lib/checks.mjs';
import { prepare } from './lib/setup.mjs';
import { printSizes } from './lib/sizes.mjs';

await runMain(async (args) => {
  parseArgs({ args, options: {} });
  const env = await prepare();
  await build(env, './packages/*');
  const consumer = join(root, 'tools', 'consumer');
  const { code } = await run('node', ['check.mjs'], { env, cwd: consumer });
  say('size', 'minified and gzipped');
  const tooLarge = await printSizes(env);
  say('done', '');
  return code === 0 && !tooLarge ? 0 : 1;
});
