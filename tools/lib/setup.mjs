import { delimiter, join } from 'node:path';
import { installDependencies } from './install.mjs';
import { root } from './paths.mjs';
import { toolchainEnv } from './toolchain.mjs';

/** Node, pnpm and the dependencies; gives the environment in which the repository's own tools run. */
export async function prepare({ peers = true } = {}) {
  const env = await toolchainEnv();
  await installDependencies(env, { peers });
  return { ...env, PATH: [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter) };
}
