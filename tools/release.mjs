// `npm run release`: builds and checks the packages, and publishes those whose version the registry does not have.
//   --dry-run    publishes nothing; prints the packages that a release would publish
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { turbo } from './lib/checks.mjs';
import { publicPackages, repositoryFields } from './lib/packages.mjs';
import { run, tail } from './lib/run.mjs';
import { prepare } from './lib/setup.mjs';
import { runMain, say, SetupError } from './lib/tool.mjs';

const CHECKS = ['build', 'check:api', 'check:consumer'];

await runMain(async (args) => {
  const { values } = parseArgs({ args, options: { 'dry-run': { type: 'boolean' } } });
  const env = await prepare();
  if (!values['dry-run'] && !env.GITHUB_REPOSITORY) {
    throw new SetupError(
      'GITHUB_REPOSITORY=owner/name must say where the source is; packages name it.',
    );
  }
  say('release', CHECKS.join(', '));
  const { code } = await turbo(env, CHECKS);
  if (code !== 0) throw new SetupError('the packages fail their checks, see above');
  return withAddresses(env, values['dry-run'] ? () => dryRun(env) : () => publish(env));
});

const publish = async (env) => (await run('changeset', ['publish'], { env })).code;

/** Publishes as `changeset publish` would, one package at a time, up to the upload. */
async function dryRun(env) {
  const args = ['publish', '--dry-run', '--no-git-checks', '--access', 'public', '--tag', 'latest'];
  let failed = 0;
  for (const { folder, manifest } of await publicPackages()) {
    const { code, text } = await run('pnpm', args, { env, cwd: folder, output: 'capture' });
    say('release', `${manifest.name}@${manifest.version}: ${tail(text, 60)}`);
    failed += code === 0 ? 0 : 1;
  }
  return failed === 0 ? 0 : 1;
}

/** Runs `work` with manifests that name the source repository; restores them afterwards. */
async function withAddresses(env, work) {
  const packages = await publicPackages();
  try {
    for (const { path, directory, manifest } of packages) {
      const named = { ...manifest, ...repositoryFields(env, directory) };
      await writeFile(path, `${JSON.stringify(named, null, 2)}\n`);
    }
    return await work();
  } finally {
    for (const { path, text } of packages) await writeFile(path, text);
  }
}
