// `npm run bench:gpu`: checks heed on the best adapter and measures it beside PyTorch, where there is one, on the same card.
import { join } from 'node:path';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const env = await prepare({ peers: false });
    const { code } = await launch(env, 'packages/bench/src/gpu-box/cli.ts', args, { source: true });
    return code;
  },
  { usage: join(root, 'packages/bench/src/gpu-box/usage.txt') },
);
