import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, tail } from './run.mjs';
import { root } from './tool.mjs';

/** Returns the packages that users can install: folder, manifest, and the manifest's path and text. */
export async function publicPackages() {
  const directories = await readdir(join(root, 'packages'));
  const packages = await Promise.all(directories.map(readPackage));
  return packages.filter(({ manifest }) => !manifest.private);
}

async function readPackage(directory) {
  const folder = join(root, 'packages', directory);
  const path = join(folder, 'package.json');
  const text = await readFile(path, 'utf8');
  return { directory, folder, path, text, manifest: JSON.parse(text) };
}

/**
 * Returns the manifest fields that name a package's source, or no fields outside of the release workflow. The registry accepts an
 * attestation of provenance only if the package names the attested repository, which is the one that runs the workflow. So the
 * fields are written at that time, and are not in git.
 */
export function repositoryFields(env, directory) {
  const { GITHUB_SERVER_URL: server = 'https://github.com', GITHUB_REPOSITORY: name } = env;
  if (!name) return {};
  const address = `${server}/${name}`;
  return {
    repository: { type: 'git', url: `git+${address}.git`, directory: `packages/${directory}` },
    homepage: `${address}/tree/main/packages/${directory}#readme`,
    bugs: `${address}/issues`,
  };
}

/** Packs every public package as for the registry. Returns, by name, its tarball and the manifest in it. */
export async function packPackages(folder) {
  const packed = (await publicPackages()).map(async ({ directory, folder: cwd }) => {
    const tarball = join(folder, `${directory}.tgz`);
    await succeed('pnpm', ['pack', '--out', tarball], cwd);
    const { stdout } = await succeed('tar', ['-xzOf', tarball, 'package/package.json'], cwd);
    return { directory, tarball, manifest: JSON.parse(stdout) };
  });
  return new Map((await Promise.all(packed)).map((one) => [one.manifest.name, one]));
}

/**
 * Makes `folder` a user's project that has `names` installed: our packages from tarballs, the others as links into this workspace,
 * so that the install needs no registry.
 */
export async function installProject(folder, packed, names) {
  const links = await linksToOthers(packed);
  const addressOf = (name) =>
    packed.has(name) ? `file:${packed.get(name).tarball}` : links.get(name);
  const address = (list) => Object.fromEntries(list.map((name) => [name, addressOf(name)]));
  await mkdir(folder, { recursive: true });
  const manifest = { private: true, type: 'module', dependencies: address(names) };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const settings = {
    autoInstallPeers: false,
    overrides: address([...packed.keys(), ...links.keys()]),
  };
  // JSON is YAML.
  await writeFile(join(folder, 'pnpm-workspace.yaml'), JSON.stringify(settings, null, 2));
  await succeed('pnpm', ['install', '--offline', '--ignore-scripts', '--no-lockfile'], folder);
}

/** Returns links to the dependencies and peers of our packages in this workspace, by name. */
async function linksToOthers(packed) {
  const links = new Map();
  for (const { directory, manifest } of packed.values()) {
    const { dependencies, peerDependencies } = manifest;
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (packed.has(name) || links.has(name)) continue;
      const path = join(root, 'packages', directory, 'node_modules', name);
      links.set(name, `link:${await realpath(path)}`);
    }
  }
  return links;
}

/** Returns the names of all packages in a project's node_modules, without those that the project links itself. */
export async function installedIn(folder) {
  const store = join(folder, 'node_modules', '.pnpm');
  const names = new Set();
  for (const entry of await readdir(store)) {
    for (const name of await packagesIn(join(store, entry, 'node_modules'))) names.add(name);
  }
  return names;
}

async function packagesIn(folder) {
  const names = await readdir(folder).catch(() => []);
  const nested = names.map(async (name) =>
    name.startsWith('@')
      ? (await readdir(join(folder, name))).map((inner) => `${name}/${inner}`)
      : [name],
  );
  return (await Promise.all(nested)).flat().filter((name) => !name.startsWith('.'));
}

/** Runs a command; throws with its last lines of output if it fails. */
export async function succeed(command, args, cwd, env) {
  const result = await run(command, args, { cwd, env, output: 'capture' });
  if (result.code === 0) return result;
  throw new Error(`${command} ${args.join(' ')}, in ${cwd}, failed:\n${tail(result.text)}`);
}
