import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFirst } from './adapters.mjs';
import { SetupError, say } from './log.mjs';
import { cache } from './paths.mjs';
import { run, tail } from './run.mjs';

// The package holds nothing but a choice of binaries, one for each platform: its own script is not needed.
const PACKAGE = 'deno@2.9.6';
const folder = join(cache, 'deno');

/** Deno, whose WebGPU is wgpu and its compiler naga, as an adapter; downloads it (42 MB) the first time. */
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
