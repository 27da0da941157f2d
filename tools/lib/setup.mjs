import { delimiter, join } from 'node:path';
import { installDependencies } from './install.mjs';
import { SetupError, say } from './log.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';
import { toolchainEnv } from './toolchain.mjs';

/** Node, pnpm and the dependencies; gives the environment in which the repository's own tools run. */
export async function prepare({ peers = true } = {}) {
  const env = await toolchainEnv();
  await installDependencies(env, { peers });
  return { ...env, PATH: [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter) };
}

/** Builds a workspace package and what it depends on. */
export async function build(env, filter) {
  say('build', 'packages');
  const args = [
    'run',
    'build',
    `--filter=${filter}`,
    '--output-logs=errors-only',
    '--log-prefix=none',
  ];
  const { code, text } = await run('turbo', args, { env, output: 'capture' });
  if (code !== 0) throw new SetupError(`the build failed:\n${text}`);
}
