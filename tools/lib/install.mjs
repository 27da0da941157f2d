import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from './log.mjs';
import { root } from './paths.mjs';
import { run, tail } from './run.mjs';

const marker = join(root, 'node_modules', '.heed-installed');

/** Packages whose own dependencies are other programs, hundreds of megabytes of them. */
const heavy = ['@heed/bench', '@heed/tfjs', '@heed/onnx', '@heed/examples'];

/**
 * Installs the dependencies exactly as the lockfile has them; without `peers`, all but those of the
 * benchmarks and integrations. A finished install is not repeated.
 */
export async function installDependencies(env, { peers = true } = {}) {
  const hash = lockHash();
  const [haveHash, have] = existsSync(marker) ? readFileSync(marker, 'utf8').split(' ') : [];
  // An install without the peers would take them away again.
  const want = peers || have === 'all' ? 'all' : 'lean';
  if (haveHash === hash && have === want) return;
  say(
    'install',
    want === 'all' ? 'dependencies' : 'dependencies, without those of benchmarks and integrations',
  );
  const filter = want === 'all' ? [] : heavy.flatMap((name) => ['--filter', `!${name}`]);
  // Without --trust-lockfile, pnpm asks the registry about the age of every package again: over a minute.
  const args = [
    ...filter,
    'install',
    '--frozen-lockfile',
    '--trust-lockfile',
    '--reporter=append-only',
  ];
  const { code, text } = await run('pnpm', args, {
    env: { ...env, CI: 'true' },
    output: 'capture',
  });
  if (code !== 0) throw new SetupError(`pnpm ${args.join(' ')} failed:\n${tail(text)}`);
  writeFileSync(marker, `${hash} ${want}`);
}

/** A hash of all that decides what is installed. */
function lockHash() {
  const manifests = ['packages', 'apps', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name, 'package.json')),
  );
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...manifests.toSorted((a, b) => (a < b ? -1 : 1)),
  ]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 16);
}
