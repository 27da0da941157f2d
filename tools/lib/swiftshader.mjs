import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { SetupError, say } from './log.mjs';
import { cache } from './paths.mjs';
import { run, tail } from './run.mjs';

// This npm package of a headless Chromium carries SwiftShader (a Vulkan driver for the CPU) and a Vulkan loader.
const PACKAGE = '@sparticuz/chromium@153.0.0';
const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
const folder = join(cache, 'swiftshader');

/** Why SwiftShader cannot be had here, or undefined. */
export function swiftshaderUnavailable() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `the npm package of SwiftShader is for Linux on x86-64 only, this is ${process.platform} on ${process.arch}`;
}

/** The variables under which Dawn finds SwiftShader; downloads it (70 MB, 7 MB kept) the first time. */
export async function swiftshaderEnv(env) {
  const stamp = join(folder, '.package');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== PACKAGE) {
    say('adapter', 'fetching SwiftShader from npm (70 MB)');
    await fetchSwiftshader(env);
    writeFileSync(stamp, PACKAGE);
  }
  return {
    VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'),
    // Where there is no system libvulkan, Dawn takes the loader beside the driver.
    LD_LIBRARY_PATH: [folder, env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}

async function fetchSwiftshader(env) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'swiftshader-'));
  try {
    const { code, text } = await run('npm', ['pack', '--loglevel=error', PACKAGE], {
      env,
      cwd: work,
      output: 'capture',
    });
    if (code !== 0) throw new SetupError(`npm pack ${PACKAGE} failed:\n${tail(text)}`);
    const tarball = readdirSync(work).find((name) => name.endsWith('.tgz'));
    untar(['-xzf', tarball, 'package/bin/swiftshader.tar.br', 'package/LICENSE'], { cwd: work });
    const archive = brotliDecompressSync(
      readFileSync(join(work, 'package', 'bin', 'swiftshader.tar.br')),
    );
    mkdirSync(join(work, 'out'));
    untar(['-xf', '-', '--no-same-owner', ...FILES], { cwd: join(work, 'out'), input: archive });
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'out'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function untar(args, options) {
  const { status, stderr, error } = spawnSync('tar', args, { ...options, maxBuffer: 2 ** 28 });
  if (status !== 0)
    throw new SetupError(`could not unpack ${PACKAGE}: ${error?.message ?? stderr}`);
}
