import { cp, mkdir, realpath, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installProject } from '../../lib/packed.mjs';
import { root } from '../../lib/paths.mjs';
import { run } from '../../lib/run.mjs';
import { requiredPeers } from './alone.mjs';

const here = join(root, 'tools', 'consumer');

/** The declarations compile in the oldest TypeScript that they promise to work with and in the newest. */
export async function typeErrors(packed, folder) {
  const cwd = join(folder, 'types');
  await cp(join(here, 'types'), cwd, { recursive: true });
  await cp(join(here, 'app'), join(cwd, 'app'), { recursive: true });
  const peers = [...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest));
  await installProject(cwd, packed, [...packed.keys(), ...new Set(peers)]);
  const types = join('node_modules', '@webgpu', 'types');
  await mkdir(dirname(join(cwd, types)), { recursive: true });
  await symlink(await realpath(join(here, types)), join(cwd, types));
  const compilers = [
    [join(here, 'node_modules'), 'tsconfig.oldest.json'],
    [join(root, 'node_modules'), 'tsconfig.json'],
    [join(here, 'node_modules'), 'tsconfig.es2022.oldest.json'],
    [join(root, 'node_modules'), 'tsconfig.es2022.json'],
    [join(here, 'node_modules'), 'tsconfig.peers.json'],
    [join(root, 'node_modules'), 'tsconfig.peers.json'],
  ];
  const faults = [];
  for (const [modules, config] of compilers) {
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    const result = await run(process.execPath, [tsc, '-p', config], { cwd, output: 'capture' });
    if (result.code !== 0) faults.push(`${config}:\n${result.text}`);
  }
  return faults;
}
