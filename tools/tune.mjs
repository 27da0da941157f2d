// `npm run tune`: times the kernels on the best adapter and writes the fastest as a tuning. Arguments go to the tuner.
import { join } from 'node:path';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const env = await prepare();
    const { code } = await launch(env, 'packages/bench/src/tune/cli.ts', args, { source: true });
    return code;
  },
  { usage: join(root, 'packages/bench/src/tune/usage.txt') },
);
