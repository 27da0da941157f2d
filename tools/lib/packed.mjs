import { cp, mkdir, readFile, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { run, tail } from './run.mjs';

/** Packs every public package as for the registry. Gives, by name, its tarball and the manifest that the registry would have. */
export async function packPackages(folder) {
  const packed = new Map();
  for (const directory of await readdir(join(root, 'packages'))) {
    const cwd = join(root, 'packages', directory);
    const { name, private: isPrivate } = JSON.parse(await readFile(join(cwd, 'package.json')));
    if (isPrivate) continue;
    const tarball = join(folder, `${directory}.tgz`);
    await succeed('pnpm', ['pack', '--out', tarball], cwd);
    const { stdout } = await succeed('tar', ['-xzOf', tarball, 'package/package.json'], cwd);
    packed.set(name, { directory, tarball, manifest: JSON.parse(stdout) });
  }
  return packed;
}

/** The names of all that an install of `name` brings with it, and its own. */
export function closureOf(packed, name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const { dependencies = {} } = packed.get(name)?.manifest ?? {};
  for (const dependency of Object.keys(dependencies)) closureOf(packed, dependency, found);
  return found;
}

/** Puts packages into the node_modules of `folder`: ours from their tarballs, those of others from where pnpm has them. */
export async function install(packed, names, folder) {
  for (const name of names) {
    const target = join(folder, 'node_modules', name);
    await mkdir(target, { recursive: true });
    const ours = packed.get(name);
    if (ours) {
      await succeed('tar', ['-xzf', ours.tarball, '-C', target, '--strip-components', '1'], folder);
    } else {
      const [user] = [...packed.values()].filter(({ manifest }) => manifest.dependencies?.[name]);
      const source = join(root, 'packages', user.directory, 'node_modules', name);
      await cp(await realpath(source), target, { recursive: true });
    }
  }
}

async function succeed(command, args, cwd) {
  const result = await run(command, args, { cwd, output: 'capture' });
  if (result.code === 0) return result;
  throw new Error(`${command} ${args.join(' ')}, in ${cwd}, failed:\n${tail(result.text)}`);
}
