import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './log.mjs';
import { run } from './run.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Chromium as an adapter for the browser tier: its own SwiftShader, whatever Vulkan the machine has. */
export async function findChromium(env) {
  const path = process.env.HEED_CHROMIUM ?? onPath(env) ?? (await playwrightsOwn(env));
  if (!path) return { missing: 'no Chromium on PATH' };
  const { code, stdout } = await run(path, ['--version'], { env, output: 'capture' }).catch(() => ({
    code: 1,
  }));
  if (code !== 0) throw new SetupError(`${path} does not start`);
  return { name: `${stdout.trim().split(' built')[0]}, SwiftShader`, env: { HEED_CHROMIUM: path } };
}

function onPath(env) {
  const folders = [...env.PATH.split(delimiter), '/usr/bin'];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
}

/** The browser that `playwright install chromium` put in its cache, if it did. */
async function playwrightsOwn(env) {
  const script =
    "import('playwright').then(({ chromium }) => console.log(chromium.executablePath()))";
  const { stdout } = await run('node', ['-e', script], { env, output: 'capture' });
  const path = stdout.trim();
  return path && existsSync(path) ? path : undefined;
}
