// `npm run conformance`: runs the conformance cases on the best adapter. Arguments go to the runner.
import { join } from 'node:path';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const env = await prepare({ peers: false });
    const { code } = await launch(env, 'packages/conformance/src/cli.ts', args, { source: true });
    return code;
  },
  { usage: join(root, 'packages/conformance/src/cli/usage.txt') },
);
