// `npm run build`: builds every package, with publint and attw.
import { runMain } from './lib/log.mjs';
import { build, prepare } from './lib/setup.mjs';

await runMain(async () => {
  await build(await prepare({ peers: false }), './packages/*');
  return 0;
});
