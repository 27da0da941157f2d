// `pnpm check:consumer`: what the packages are to their users, as the registry would have them.
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { closureOf, install, packPackages } from '../lib/packed.mjs';
import { root } from '../lib/paths.mjs';
import { run } from '../lib/run.mjs';

const here = join(root, 'tools', 'consumer');
const folder = await mkdtemp(join(tmpdir(), 'heed-consumer-'));
try {
  const packed = await packPackages(folder);
  const faults = [
    ...wrongClosures(packed),
    ...(await brokenImports(packed)),
    ...(await typeErrors(packed)),
  ];
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true });
}

/** Users install only what they need: nobody gets kernels with a cache, nor a parser without flex. */
function* wrongClosures(packed) {
  const flex = ['@heed/flex', '@heed/kernels-wgsl', '@heed/core', 'acorn'];
  const allowed = {
    '@heed/core': ['@heed/core'],
    '@heed/kernels-wgsl': ['@heed/kernels-wgsl', '@heed/core'],
    '@heed/kvcache': ['@heed/kvcache', '@heed/core'],
    '@heed/flex': flex,
    '@heed/conformance': ['@heed/conformance', '@heed/kvcache', ...flex],
    '@heed/tfjs': ['@heed/tfjs', ...flex],
    '@heed/onnx': ['@heed/onnx', '@heed/core'],
  };
  for (const [name, { manifest }] of packed) {
    const tooMany = [...closureOf(packed, name)].filter((other) => !allowed[name]?.includes(other));
    if (tooMany.length > 0) yield `${name} must not bring ${tooMany.join(', ')} with it`;
    if (name !== '@heed/flex' && manifest.dependencies?.acorn) yield `${name} depends on acorn`;
  }
}

/** Each entry of each package can be imported where nothing is but what the package brings with it, and its peers. */
async function brokenImports(packed) {
  const faults = [];
  for (const [name, { directory, manifest }] of packed) {
    const cwd = join(folder, directory);
    await install(packed, closureOf(packed, name), cwd);
    await linkPeers(cwd, directory, manifest);
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
    for (const entry of entries) {
      const specifier = name + entry.slice(1);
      const code = `await import('${specifier}')`;
      const args = ['--input-type=module', '--eval', code];
      const result = await run(process.execPath, args, { cwd, output: 'capture' });
      if (result.code !== 0) faults.push(`${specifier} cannot be imported alone:\n${result.text}`);
    }
  }
  return faults;
}

/** What the user of a package has of his own; linked, since it finds what it needs from where pnpm has it. */
async function linkPeers(cwd, directory, { peerDependencies = {}, peerDependenciesMeta = {} }) {
  for (const peer of Object.keys(peerDependencies)) {
    if (peerDependenciesMeta[peer]?.optional) continue;
    const target = join(cwd, 'node_modules', peer);
    await mkdir(dirname(target), { recursive: true });
    await symlink(await realpath(join(root, 'packages', directory, 'node_modules', peer)), target);
  }
}

/** The declarations compile in the oldest TypeScript that they promise to work with and in the newest. */
async function typeErrors(packed) {
  const cwd = join(folder, 'types');
  await mkdir(cwd);
  await install(
    packed,
    new Set([...packed.keys()].flatMap((name) => [...closureOf(packed, name)])),
    cwd,
  );
  const types = join('node_modules', '@webgpu', 'types');
  await cp(await realpath(join(here, types)), join(cwd, types), { recursive: true });
  for (const file of await readdir(here)) {
    if (/\.ts$|^tsconfig/.test(file)) await cp(join(here, file), join(cwd, file));
  }
  await cp(join(here, 'package.json'), join(cwd, 'package.json'));
  const compilers = [
    [join(here, 'node_modules'), 'tsconfig.oldest.json'],
    [join(root, 'node_modules'), 'tsconfig.json'],
  ];
  const faults = [];
  for (const [modules, config] of compilers) {
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    const result = await run(process.execPath, [tsc, '-p', config], { cwd, output: 'capture' });
    if (result.code !== 0) faults.push(`${config}:\n${result.text}`);
  }
  return faults;
}
