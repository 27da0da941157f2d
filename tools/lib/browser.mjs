import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findFirst } from './adapters.mjs';
import { SetupError } from './log.mjs';
import { run } from './run.mjs';

const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FIREFOXES = ['firefox-esr', 'firefox'];

/** Chromium as an adapter for the browser tier: its own SwiftShader, whatever Vulkan the machine has. */
export async function findChromium(env) {
  const path = process.env.HEED_CHROMIUM ?? onPath(CHROMIUMS, env) ?? (await playwrightsOwn(env));
  if (!path) return { missing: 'no Chromium on PATH' };
  const version = (await versionOf(path, env)).split(' built')[0];
  return { name: `${version}, SwiftShader`, env: { HEED_CHROMIUM: path } };
}

/** Firefox as an adapter: it takes the machine's Vulkan. */
export async function findFirefox(env) {
  const path = process.env.HEED_FIREFOX ?? onPath(FIREFOXES, env);
  if (!path) return { missing: 'no Firefox on PATH' };
  const adapter = await findFirst(['lavapipe', 'gpu'], env);
  if (adapter.missing) return adapter;
  const version = (await versionOf(path, env)).replace('Mozilla ', '');
  return { name: `${version}, ${adapter.name}`, env: { ...adapter.env, HEED_FIREFOX: path } };
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

/** The browser that `playwright install chromium` put in its cache, if it did. */
async function playwrightsOwn(env) {
  const script =
    "import('playwright').then(({ chromium }) => console.log(chromium.executablePath()))";
  const { stdout } = await run('node', ['-e', script], { env, output: 'capture' });
  const path = stdout.trim();
  return path && existsSync(path) ? path : undefined;
}
