// `pnpm check:consumer`: installs the packed packages in projects of users, compiles, bundles and runs them.
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installProject, packPackages } from '../lib/packages.mjs';
import { run } from '../lib/run.mjs';
import { root, say } from '../lib/tool.mjs';
import { buildFaults, shakenFaults } from './steps/bundles.mjs';
import { appRuns } from './steps/programs.mjs';
import { installedAlone, requiredPeers, tarballFaults } from './steps/tarballs.mjs';

const steps = {
  'tarballs: files, manifest, publint, attw': tarballFaults,
  'each package alone: what an install brings, every entry imported': installedAlone,
  'declarations in TypeScript 5.9 and 7': typeErrors,
  'what a bundle of one function holds': shakenFaults,
  'mods in production builds of Vite, webpack and esbuild': buildFaults,
  'a program in Node, bundled by Vite, and in Chromium': appRuns,
};

const here = join(root, 'tools', 'consumer');

/** The compiler options that all projects share. */
const STRICT = {
  target: 'ES2024',
  lib: ['ES2024', 'ESNext.Disposable', 'DOM'],
  types: [],
  module: 'NodeNext',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
};

/** Users' projects. The lib.dom of TypeScript 7 has the types of WebGPU; older ones need a package. */
const PROJECTS = [
  {
    title: 'the newest lib',
    include: ['core.ts', 'kernels-and-flex.ts', 'kvcache.ts', 'router.ts', 'refused.ts'],
  },
  { title: 'ES2022', include: ['plain.ts'], target: 'ES2022', lib: ['ES2022', 'DOM'] },
  { title: 'the peers', include: ['peers.ts', 'valkey.ts', 'app/*.ts'], skipLibCheck: true },
].flatMap((project) => [
  {
    ...project,
    title: `${project.title}, TypeScript 5.9`,
    modules: join(here, 'node_modules'),
    types: ['@webgpu/types'],
  },
  {
    ...project,
    title: `${project.title}, TypeScript 7`,
    modules: join(root, 'node_modules'),
    ...(project.skipLibCheck && { types: ['@webgpu/types'] }),
  },
]);

const work = await mkdtemp(join(tmpdir(), 'heed-consumer-'));
try {
  const packed = await packPackages(work);
  for (const [title, step] of Object.entries(steps)) {
    say('consumer', title);
    for (const fault of await step(packed, work)) {
      process.stderr.write(`${fault}\n`);
      process.exitCode = 1;
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

/** Compiles the declarations with the oldest supported TypeScript and with the newest. */
async function typeErrors(packed, folder) {
  const cwd = join(folder, 'types');
  await cp(join(here, 'types'), cwd, { recursive: true });
  await cp(join(here, 'app'), join(cwd, 'app'), { recursive: true });
  const peers = [...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest));
  // Of the optional peers, the clients of Valkey.
  const all = new Set([...peers, 'ioredis', 'iovalkey']);
  await installProject(cwd, packed, [...packed.keys(), ...all]);
  const types = join('node_modules', '@webgpu', 'types');
  await mkdir(dirname(join(cwd, types)), { recursive: true });
  await symlink(await realpath(join(here, types)), join(cwd, types));
  const faults = [];
  for (const { title, modules, include, ...compilerOptions } of PROJECTS) {
    const config = { include, compilerOptions: { ...STRICT, ...compilerOptions } };
    await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    const result = await run(process.execPath, [tsc, '-p', '.'], { cwd, output: 'capture' });
    if (result.code !== 0) faults.push(`${title}:\n${result.text}`);
  }
  return faults;
}
