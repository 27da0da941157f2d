import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { installedIn, installProject, succeed } from '../../lib/packages.mjs';
import { run } from '../../lib/run.mjs';
import { root } from '../../lib/tool.mjs';

const ALLOWED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(?!.*(\btest\b))[\w./-]+(\.js|\.d\.ts))$/;
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'];

/** Faults of a manifest: fields that it lacks, and names that mean nothing outside of this repository. */
const MANIFEST = {
  'has no description': ({ description }) => !description,
  'has no keywords': ({ keywords = [] }) => keywords.length < 3,
  'is not under the MIT licence': ({ license }) => license !== 'MIT',
  'is not an ES module': ({ type }) => type !== 'module',
  'does not say that it has no side effects': ({ sideEffects }) => sideEffects !== false,
  'is not public': ({ publishConfig }) => publishConfig?.access !== 'public',
  'does not name Node’s version': ({ engines }) => !engines?.node,
  'refers to this workspace': (manifest) =>
    /workspace:|catalog:|@heed\/source|"@heed\/testing"/.test(JSON.stringify(manifest)),
};

/** Checks each tarball: its files, its manifest, publint and attw. */
export async function tarballFaults(packed) {
  const faults = [...packed].map(async ([name, { tarball, manifest }]) => {
    const found = [
      ...(await fileFaults(tarball)),
      ...Object.keys(MANIFEST).filter((rule) => MANIFEST[rule](manifest)),
      ...(await publintFaults(tarball)),
      ...(await attwFaults(tarball)),
    ];
    return found.map((fault) => `${name}: ${fault}`);
  });
  return (await Promise.all(faults)).flat();
}

async function fileFaults(tarball) {
  const { stdout } = await succeed('tar', ['-tzf', tarball], root);
  const files = stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  const { stdout: text } = await succeed('tar', ['-xzOf', tarball], root);
  const leaked = files.filter((path) => !ALLOWED.test(path));
  return [
    ...(leaked.length > 0 ? [`must not hold ${leaked.join(', ')}`] : []),
    ...REQUIRED.filter((path) => !files.includes(path)).map((path) => `lacks ${path}`),
    ...(text.includes(root) ? [`names a folder of the machine that built it`] : []),
  ];
}

async function publintFaults(tarball) {
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: (await readFile(tarball)).buffer },
  });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** Checks as attw's profile esm-only does: `require` and old module resolution do not count. */
async function attwFaults(tarball) {
  const analysis = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
  if (!analysis.types) return ['attw: no types'];
  return analysis.problems
    .filter((problem) =>
      ['node16-esm', 'bundler'].some((kind) =>
        problemAffectsResolutionKind(problem, kind, analysis),
      ),
    )
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}

const FLEX = ['@heed/flex', '@heed/kernels-wgsl', '@heed/core', 'acorn'];

/** The packages that an install adds: no kernels with the cache, no parser without flex. */
const BRINGS = {
  '@heed/core': ['@heed/core'],
  '@heed/kernels-wgsl': ['@heed/kernels-wgsl', '@heed/core'],
  '@heed/kvcache': ['@heed/kvcache', '@heed/core'],
  '@heed/flex': FLEX,
  '@heed/conformance': ['@heed/conformance', '@heed/kvcache', ...FLEX],
  '@heed/tfjs': ['@heed/tfjs', ...FLEX],
  '@heed/onnx': ['@heed/onnx', '@heed/core'],
  '@heed/router': ['@heed/router'],
  '@heed/valkey': ['@heed/valkey', '@heed/router', '@heed/kvcache', '@heed/core'],
};

/** Installs each package with its required peers into an empty project; checks what is added, and that every entry can be imported. */
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

/** Imports every entry in a project that has the package, its dependencies and its peers only. */
async function importFaults({ name, exports }, cwd) {
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  const code = entries.map((entry) => `await import('${name}${entry.slice(1)}');`).join(' ');
  const args = ['--input-type=module', '--eval', code];
  const result = await run(process.execPath, args, { cwd, output: 'capture' });
  return result.code === 0 ? [] : [`${name} cannot be imported alone:\n${result.text}`];
}
