import { expect, test } from 'vitest';
import { repositoryFields } from '../lib/repository.mjs';

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
