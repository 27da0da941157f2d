import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, tail } from './run.mjs';
import { cache, root, say, SetupError } from './tool.mjs';

const NODE = '24.21.0';
const PNPM = '12.21.0';
const prefix = join(cache, 'toolchain');
const bin = join(prefix, 'node_modules', '.bin');

/**
 * Returns the environment in which `node` is at least 24 and `pnpm` at least 12: the machine's own where they are new enough,
 * else copies that npm installs into the cache.
 */
async function toolchainEnv() {
  const env = baseEnv();
  const wanted = [
    (await major('node', env)) >= 24 ? '' : `node@${NODE}`,
    (await major('pnpm', env)) >= 12 ? '' : `pnpm@${PNPM}`,
  ].filter(Boolean);
  if (wanted.length === 0) return env;
  await install(wanted, env);
  return { ...env, PATH: [bin, env.PATH].join(delimiter) };
}

/** Returns the environment of every child process: a writable home, no telemetry, no prompts. */
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

const marker = join(root, 'node_modules', '.heed-installed');

/** Packages whose dependencies take hundreds of megabytes. */
const heavy = ['@heed/bench', '@heed/inspect', '@heed/tfjs', '@heed/onnx', '@heed/examples'];

/**
 * Installs the dependencies exactly as the lockfile has them; without `peers`, all but those of the
 * benchmarks and integrations. A finished install is not repeated.
 */
async function installDependencies(env, { peers = true } = {}) {
  const hash = lockHash();
  const [haveHash, have] = existsSync(marker) ? readFileSync(marker, 'utf8').split(' ') : [];
  // An install without the peers would remove them.
  const want = peers || have === 'all' ? 'all' : 'lean';
  if (haveHash === hash && have === want) return;
  say(
    'install',
    want === 'all' ? 'dependencies' : 'dependencies, without those of benchmarks and integrations',
  );
  const filter = want === 'all' ? [] : heavy.flatMap((name) => ['--filter', `!${name}`]);
  // Without --trust-lockfile, pnpm queries the registry for the age of every package, which takes over a minute.
  const args = [
    ...filter,
    'install',
    '--frozen-lockfile',
    '--trust-lockfile',
    '--reporter=append-only',
  ];
  const { code, text } = await run('pnpm', args, {
    env: { ...env, CI: 'true' },
    output: 'capture',
  });
  if (code !== 0) throw new SetupError(`pnpm ${args.join(' ')} failed:\n${tail(text)}`);
  writeFileSync(marker, `${hash} ${want}`);
}

/** Returns a hash of the files that decide what is installed. */
function lockHash() {
  const manifests = ['packages', 'apps', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name, 'package.json')),
  );
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...manifests.toSorted((a, b) => (a < b ? -1 : 1)),
  ]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Installs Node, pnpm and the dependencies where they are missing; returns the environment in which the repository's tools run. */
export async function prepare({ peers = true } = {}) {
  const env = await toolchainEnv();
  await installDependencies(env, { peers });
  return { ...env, PATH: [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter) };
}
