import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError, say } from './log.mjs';
import { cache } from './paths.mjs';
import { run, tail } from './run.mjs';

const NODE = '24.21.0';
const PNPM = '12.21.0';
const prefix = join(cache, 'toolchain');
const bin = join(prefix, 'node_modules', '.bin');

/**
 * The environment in which `node` is at least 24 and `pnpm` at least 12: the machine's own where
 * they are new enough, else copies that npm installs into the cache.
 */
export async function toolchainEnv() {
  const env = baseEnv();
  const wanted = [
    (await major('node', env)) >= 24 ? '' : `node@${NODE}`,
    (await major('pnpm', env)) >= 12 ? '' : `pnpm@${PNPM}`,
  ].filter(Boolean);
  if (wanted.length === 0) return env;
  await install(wanted, env);
  return { ...env, PATH: [bin, env.PATH].join(delimiter) };
}

/** What every child process gets: a home that can be written, no telemetry, no questions. */
function baseEnv() {
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    PNPM_CONFIG_CONFIRM_MODULES_PURGE: 'false',
  };
  // pnpm reads .npmrc files, but not npm's environment variables.
  const registry = process.env.npm_config_registry ?? process.env.NPM_CONFIG_REGISTRY;
  if (registry) env.PNPM_CONFIG_REGISTRY ??= registry;
  if (process.platform !== 'win32' && !isWritable(process.env.HOME)) {
    env.HOME = join(cache, 'home');
    mkdirSync(env.HOME, { recursive: true });
  }
  return env;
}

function isWritable(folder) {
  try {
    accessSync(folder ?? '', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function major(command, env) {
  const { code, stdout } = await run(command, ['--version'], { env, output: 'capture' }).catch(
    () => ({ code: 1 }),
  );
  return code === 0 ? Number(/(\d+)\./.exec(stdout)?.[1] ?? 0) : 0;
}

async function install(wanted, env) {
  const stamp = join(prefix, '.installed');
  const names = wanted.join(' ');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === names) return;
  say('toolchain', `installing ${names} into .cache/toolchain`);
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'package.json'), '{ "private": true }\n');
  const args = [
    'install',
    ...wanted,
    '--prefix',
    prefix,
    '--no-save',
    '--ignore-scripts=false',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { code, text } = await run('npm', args, { env, output: 'capture' });
  if (code !== 0) throw new SetupError(`npm could not install ${names}:\n${tail(text)}`);
  writeFileSync(stamp, names);
}
