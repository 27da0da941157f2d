import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicPackages, repositoryFields } from '../lib/packages.mjs';
import { root } from '../lib/tool.mjs';

const folder = join(root, '.changeset');
const names = new Set((await publicPackages()).map(({ manifest }) => manifest.name));
const changesets = readdirSync(folder).filter((name) => name.endsWith('.md'));

test.for(changesets)('%s names public packages and says what users get', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const [, head, summary] = /^---\n([^]*?)---\n([^]*)$/.exec(text) ?? [];
  const bumps = [...head.matchAll(/^'(.*)': (.*)$/gm)];
  expect(bumps).toHaveLength(head.trim().split('\n').length);
  for (const [, packageName, bump] of bumps) {
    expect(names).toContain(packageName);
    // Below 1.0, a breaking change is minor.
    expect(['minor', 'patch']).toContain(bump);
  }
  expect(summary.trim()).toMatch(/^\S.*\.$/s);
});

test('every public package has been released, or a changeset releases it', async () => {
  const texts = changesets.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const forgotten = (await publicPackages())
    .filter(
      ({ manifest }) => manifest.version === '0.0.0' && !texts.includes(`'${manifest.name}':`),
    )
    .map(({ manifest }) => manifest.name);
  expect(forgotten).toEqual([]);
});

test('a package names the repository in which the workflow runs, and its own folder there', () => {
  const env = { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'owner/name' };
  expect(repositoryFields(env, 'core')).toEqual({
    repository: {
      type: 'git',
      url: 'git+https://git.example/owner/name.git',
      directory: 'packages/core',
    },
    homepage: 'https://git.example/owner/name/tree/main/packages/core#readme',
    bugs: 'https://git.example/owner/name/issues',
  });
});

test('where that is not known, no address is made up', () => {
  expect(repositoryFields({}, 'core')).toEqual({});
});
