// `npm run build`: builds every package, with publint and attw.
import { parseArgs } from 'node:util';
import { runMain } from './lib/log.mjs';
import { build } from './lib/checks.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(async (args) => {
  parseArgs({ args, options: {} });
  await build(await prepare({ peers: false }), './packages/*');
  return 0;
});
