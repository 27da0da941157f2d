// `npm start`: installs, builds, finds an adapter and runs the main job. Arguments go to the job.
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { launch } from './lib/launch.mjs';
import { runMain } from './lib/log.mjs';
import { root } from './lib/paths.mjs';
import { build } from './lib/checks.mjs';
import { prepare } from './lib/setup.mjs';

await runMain(
  async (args) => {
    const env = await prepare({ peers: false });
    await build(env, 'start^...');
    const { code, adapter } = await launch(env, 'apps/start/src/main.ts', args);
    if (adapter.kind === 'swiftshader' && mayInstallLavapipe()) {
      process.stderr.write('\nA faster software adapter: sudo node tools/lavapipe.mjs\n');
    }
    process.stderr.write('\nIn your browser, with functions of your own: npm run demo\n');
    return code;
  },
  { usage: join(root, 'apps/start/src/usage.txt') },
);

function mayInstallLavapipe() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}
