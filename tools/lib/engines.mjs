import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findFirst } from './adapters.mjs';
import { run, tail } from './run.mjs';
import { cache, say, SetupError } from './tool.mjs';

const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FIREFOXES = ['firefox-esr', 'firefox'];

/** Finds Chromium as an adapter: it uses its own SwiftShader, not the machine's Vulkan. */
export async function findChromium(env) {
  const path = process.env.HEED_CHROMIUM ?? onPath(CHROMIUMS, env) ?? (await playwrightsOwn(env));
  if (!path) return { missing: 'no Chromium on PATH' };
  const version = (await versionOf(path, env)).split(' built')[0];
  return { name: `${version}, SwiftShader`, env: { HEED_CHROMIUM: path } };
}

/** Finds Firefox as an adapter: it uses the machine's Vulkan. */
export async function findFirefox(env) {
  const path = process.env.HEED_FIREFOX ?? onPath(FIREFOXES, env);
  if (!path) return { missing: 'no Firefox on PATH' };
  const adapter = await findFirst(['lavapipe', 'gpu'], env);
  if (adapter.missing) return adapter;
  const version = (await versionOf(path, env)).replace('Mozilla ', '');
  return { name: `${version}, ${adapter.name}`, env: { ...adapter.env, HEED_FIREFOX: path } };
}

/** Finds a server of Valkey, or of Redis, which the tests start themselves. */
export async function findValkey(env) {
  const path = process.env.HEED_VALKEY_SERVER ?? onPath(['valkey-server', 'redis-server'], env);
  if (!path) return { missing: 'no valkey-server and no redis-server on PATH' };
  const [, name, version] = (await versionOf(path, env)).match(/(\w+) server v=(\S+)/) ?? [];
  return { name: `${name ?? path} ${version ?? ''}`.trim(), env: { HEED_VALKEY_SERVER: path } };
}

async function versionOf(path, env) {
  const { code, stdout } = await run(path, ['--version'], { env, output: 'capture' }).catch(() => ({
    code: 1,
  }));
  if (code !== 0) throw new SetupError(`${path} does not start`);
  return stdout.trim();
}

function onPath(names, env) {
  const folders = [...env.PATH.split(delimiter), '/usr/bin'];
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** Returns the path of the browser that `playwright install chromium` has downloaded, or undefined. */
async function playwrightsOwn(env) {
  const script =
    "import('playwright').then(({ chromium }) => console.log(chromium.executablePath()))";
  const { stdout } = await run('node', ['-e', script], { env, output: 'capture' });
  const path = stdout.trim();
  return path && existsSync(path) ? path : undefined;
}

// The package only chooses one of several binaries by platform, so its install script is not needed.
const PACKAGE = 'deno@2.9.6';
const folder = join(cache, 'deno');

/** Finds Deno as an adapter: its WebGPU is wgpu, with the compiler naga. Downloads it (42 MB) the first time. */
export async function findNaga(env) {
  const adapter = await findFirst(['lavapipe', 'swiftshader', 'gpu'], env);
  if (adapter.missing) return adapter;
  const path = process.env.HEED_DENO ?? (await ownDeno(env));
  const { code, stdout } = await run(path, ['--version'], { env, output: 'capture' });
  if (code !== 0) throw new SetupError(`${path} does not start`);
  const version = stdout.split(' (')[0].replace('deno', 'Deno');
  return { name: `${version}, ${adapter.name}`, env: { ...adapter.env, HEED_DENO: path } };
}

async function ownDeno(env) {
  const stamp = join(folder, '.package');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== PACKAGE) {
    say('adapter', 'fetching Deno from npm (42 MB)');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const args = ['install', PACKAGE, '--prefix', folder, ...quiet];
    const { code, text } = await run('npm', args, { env, output: 'capture' });
    if (code !== 0) throw new SetupError(`npm could not install ${PACKAGE}:\n${tail(text)}`);
    writeFileSync(stamp, PACKAGE);
  }
  const platforms = join(folder, 'node_modules', '@deno');
  const [platform] = existsSync(platforms) ? readdirSync(platforms) : [];
  if (!platform) throw new SetupError(`${PACKAGE} has no binary for this platform`);
  return join(platforms, platform, process.platform === 'win32' ? 'deno.exe' : 'deno');
}

/** The engines of `npm run conformance -- --engine NAME`: functions that find each as an adapter. */
export const engines = { naga: findNaga, firefox: findFirefox, chromium: findChromium };
