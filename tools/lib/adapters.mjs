import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { run, tail } from './run.mjs';
import { cache, root, say, SetupError } from './tool.mjs';

const DRIVER_FOLDERS = [
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
];
const SOFTWARE = /lvp_icd|swiftshader/;

/** The kinds of adapters, best first; HEED_ADAPTER=lavapipe,swiftshader restricts them to those named. */
const finders = { gpu: findGpu, lavapipe: findLavapipe, swiftshader: findSwiftshader };

/**
 * Finds an adapter: `{ kind, name, env }`, where `env` makes Dawn choose it in a child process, or
 * `{ kind, missing }` with the reason. `kind`: `gpu`, `lavapipe` or `swiftshader`.
 */
export async function findAdapter(kind, env) {
  const allowed = process.env.HEED_ADAPTER?.split(',');
  if (allowed && !allowed.includes(kind))
    return { kind, missing: `HEED_ADAPTER=${process.env.HEED_ADAPTER}` };
  return { kind, ...(await finders[kind]({ XDG_RUNTIME_DIR: tmpdir(), ...env })) };
}

/** Finds the first of these kinds that exists; else returns `missing` with the reason per kind. */
export async function findFirst(kinds, env) {
  const reasons = [];
  for (const kind of kinds) {
    const adapter = await findAdapter(kind, env);
    if (!adapter.missing) return adapter;
    reasons.push(`${kind}: ${adapter.missing}`);
  }
  return { missing: reasons.join('; ') };
}

/** Finds the best adapter; throws a SetupError with the reason per kind if there is none. */
export async function bestAdapter(env) {
  const adapter = await findFirst(Object.keys(finders), env);
  if (adapter.missing)
    throw new SetupError(`no WebGPU adapter on this machine (${adapter.missing})`);
  return adapter;
}

/** Finds an adapter with subgroup matrices. */
export async function findMatrices(env) {
  for (const kind of ['gpu', 'lavapipe']) {
    const adapter = await findAdapter(kind, env);
    if (adapter.matrices) return adapter;
  }
  return { missing: 'no adapter here has subgroup matrices (lavapipe has them from Mesa 26 on)' };
}

async function findGpu(env) {
  for (const extra of [{}, withoutSoftwareDrivers()].filter(Boolean)) {
    const found = await probe(env, extra);
    if (found && !found.software) return found;
  }
  return { missing: 'Dawn finds no hardware adapter' };
}

async function findLavapipe(env) {
  const drivers = systemDrivers().filter((path) => path.includes('lvp_icd'));
  for (const driver of drivers) {
    const found = await probe(env, { VK_DRIVER_FILES: driver });
    if (found) return found;
  }
  if (drivers.length === 0) return { missing: 'Mesa’s lavapipe is not installed' };
  return { missing: `Dawn refuses ${drivers.join(', ')} (it needs Mesa 25 or later)` };
}

async function findSwiftshader(env) {
  const missing = swiftshaderUnavailable();
  if (missing) return { missing };
  const found = await probe(env, await swiftshaderEnv(env));
  return found ?? { missing: 'Dawn does not start on SwiftShader here' };
}

/** Returns the environment that hides CPU drivers, which may precede the GPU's in the loader's order; undefined if it has no effect. */
function withoutSoftwareDrivers() {
  const drivers = systemDrivers();
  const hardware = drivers.filter((path) => !SOFTWARE.test(path));
  if (hardware.length === 0 || hardware.length === drivers.length) return undefined;
  return { VK_DRIVER_FILES: hardware.join(':') };
}

function systemDrivers() {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (named) return named.split(':').filter((path) => existsSync(path));
  return DRIVER_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder).map((name) => join(folder, name)),
  );
}

/** Queries Dawn in a child process, because a failing driver may crash its process. */
export async function probe(env, extra) {
  const { code, stdout } = await run('node', [join(root, 'tools', 'lib', 'probe.mjs')], {
    env: { ...env, ...extra },
    output: 'capture',
    timeoutMs: 60_000,
  });
  const found = code === 0 ? JSON.parse(stdout) : null;
  return found && { ...found, env: { XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR, ...extra } };
}

// This npm package of a headless Chromium carries SwiftShader (a Vulkan driver for the CPU) and a Vulkan loader.
const PACKAGE = '@sparticuz/chromium@153.0.0';
const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
const folder = join(cache, 'swiftshader');

/** Returns the reason why SwiftShader is not available here, or undefined. */
function swiftshaderUnavailable() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `the npm package of SwiftShader is for Linux on x86-64 only, this is ${process.platform} on ${process.arch}`;
}

/** Returns the environment in which Dawn finds SwiftShader; downloads it (70 MB, 7 MB kept) the first time. */
async function swiftshaderEnv(env) {
  const stamp = join(folder, '.package');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== PACKAGE) {
    say('adapter', 'fetching SwiftShader from npm (70 MB)');
    await fetchSwiftshader(env);
    writeFileSync(stamp, PACKAGE);
  }
  return {
    VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'),
    // Without a system libvulkan, Dawn loads the one beside the driver.
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
