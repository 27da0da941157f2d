// Installs a lavapipe (Mesa's Vulkan driver for the CPU) that Dawn accepts. As root, on Debian.
//
// Dawn refuses the Mesa of Debian 12 (22.3) and accepts the one of its backports. The backports suite is taken from the mirror
// that apt already uses, and is added to apt's sources if it is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SetupError, runMain, say } from './lib/tool.mjs';

const MIN_MESA = '25';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

await runMain(() => {
  if (mesaVersion()) return report();
  if (process.getuid?.() !== 0) throw new SetupError('tools/lavapipe.mjs must run as root');
  const codename = debianCodename();
  const suite = `${codename}-backports`;
  if (!suites().some(({ name }) => name === suite)) addSuite(suite, codename);
  apt('update');
  apt('install', '--no-install-recommends', '-t', suite, 'mesa-vulkan-drivers', 'libvulkan1');
  if (!mesaVersion()) throw new SetupError(`${suite} holds no Mesa ${MIN_MESA}`);
  return report();
});

function report() {
  say('lavapipe', `Mesa ${mesaVersion()} is installed`);
  return 0;
}

/** The version of the installed Mesa if Dawn accepts it. */
function mesaVersion() {
  const query = output('dpkg-query', [
    '-W',
    '-f',
    '${db:Status-Abbrev} ${Version}',
    'mesa-vulkan-drivers',
  ]);
  const [status, version] = query.split(/\s+/);
  if (!status?.startsWith('ii')) return undefined;
  return spawnSync('dpkg', ['--compare-versions', version, 'ge', MIN_MESA]).status === 0
    ? version
    : undefined;
}

function debianCodename() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1];
  if (!/^ID=debian$/m.test(release) || !codename) {
    throw new SetupError(
      'tools/lavapipe.mjs knows Debian only; elsewhere, install Mesa 25 or later yourself',
    );
  }
  return codename;
}

/** Every suite in apt's sources, downloaded or not. */
function suites() {
  const format = [
    'indextargets',
    '--no-release-info',
    '--format',
    '$(RELEASE) $(REPO_URI)',
    'Created-By: Packages',
  ];
  return output('apt-get', format)
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name, uri]) => ({ name, uri }));
}

function addSuite(suite, codename) {
  const mirror = suites().find(({ name }) => name === codename || name === 'stable')?.uri;
  if (!mirror) throw new SetupError(`apt’s sources name no mirror for ${codename}`);
  say('lavapipe', `adding ${suite} to apt’s sources`);
  writeFileSync(
    `/etc/apt/sources.list.d/${suite}.list`,
    `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`,
  );
}

function apt(...args) {
  say('lavapipe', `apt-get ${args.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', ['-qq', '-y', '-o', 'Acquire::Retries=3', ...args], {
    env,
    stdio: ['ignore', process.stderr, 'inherit'],
  });
  if (status !== 0) throw new SetupError(`apt-get ${args[0]} failed`);
}

function output(command, args) {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '';
}
