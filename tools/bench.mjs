// `npm run bench`: installs the peers too and runs the benchmarks on the best adapter. Arguments go to the benchmarks.
import { join } from 'node:path';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const env = await prepare();
    const { code } = await launch(env, 'packages/bench/src/cli.ts', args, { source: true });
    return code;
  },
  { usage: join(root, 'packages/bench/src/usage.txt') },
);
