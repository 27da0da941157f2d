/**
 * Where a package's source is, as fields of its manifest; nothing where that is not known. The registry takes an attestation
 * of provenance only for a package that names the repository which the attestation names. That is the one in which the
 * workflow runs, so it is known there, and need not be in git.
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
