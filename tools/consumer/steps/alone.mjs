import { join } from 'node:path';
import { installedIn, installProject } from '../../lib/packed.mjs';
import { run } from '../../lib/run.mjs';

const FLEX = ['@heed/flex', '@heed/kernels-wgsl', '@heed/core', 'acorn'];

/** Users install only what they need: nobody gets kernels with a cache, nor a parser without flex. */
const BRINGS = {
  '@heed/core': ['@heed/core'],
  '@heed/kernels-wgsl': ['@heed/kernels-wgsl', '@heed/core'],
  '@heed/kvcache': ['@heed/kvcache', '@heed/core'],
  '@heed/flex': FLEX,
  '@heed/conformance': ['@heed/conformance', '@heed/kvcache', ...FLEX],
  '@heed/tfjs': ['@heed/tfjs', ...FLEX],
  '@heed/onnx': ['@heed/onnx', '@heed/core'],
};

/** Each package in a project of its own, with the peers that it requires: what comes with it, and that all of it can be imported. */
export async function installedAlone(packed, folder) {
  const faults = [...packed.values()].map(async ({ manifest, directory }) => {
    const cwd = join(folder, `alone-${directory}`);
    const peers = requiredPeers(manifest);
    await installProject(cwd, packed, [manifest.name, ...peers]);
    return [...(await wrongCompany(manifest, peers, cwd)), ...(await importFaults(manifest, cwd))];
  });
  return (await Promise.all(faults)).flat();
}

export const requiredPeers = ({ peerDependencies = {}, peerDependenciesMeta = {} }) =>
  Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);

async function wrongCompany({ name }, peers, cwd) {
  const found = [...(await installedIn(cwd))].filter((other) => !peers.includes(other));
  const want = BRINGS[name] ?? [];
  return [
    ...found
      .filter((other) => !want.includes(other))
      .map((other) => `${name} must not bring ${other}`),
    ...want
      .filter((other) => !found.includes(other))
      .map((other) => `${name} does not bring ${other}`),
  ];
}

/** Every entry, imported where nothing is but what the package brings with it, and its peers. */
async function importFaults({ name, exports }, cwd) {
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  const code = entries.map((entry) => `await import('${name}${entry.slice(1)}');`).join(' ');
  const args = ['--input-type=module', '--eval', code];
  const result = await run(process.execPath, args, { cwd, output: 'capture' });
  return result.code === 0 ? [] : [`${name} cannot be imported alone:\n${result.text}`];
}
