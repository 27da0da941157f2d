// `npm run conformance`: runs the conformance cases on the best adapter, or with `--engine NAME` in that engine. Arguments go
// to the runner.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engines } from './lib/engines.mjs';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const { values } = parseArgs({ args, strict: false, options: { engine: { type: 'string' } } });
    const find = engines[values.engine];
    const env = await prepare({ peers: false });
    const { code } = await launch(env, 'packages/conformance/src/cli.ts', args, {
      source: true,
      ...(find && { find }),
    });
    return code;
  },
  { usage: join(root, 'packages/conformance/src/cli/usage.txt') },
);
