import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Engines other than Node's. 'naga' is Deno, named after its WGSL compiler, which Firefox shares. */
export type EngineName = 'naga' | 'firefox' | 'chromium';

export const engineNames: readonly EngineName[] = ['naga', 'firefox', 'chromium'];

/** A process that has opened an address. */
export interface Started {
  readonly child: ChildProcess;
  /** Ends it and everything that it started, and removes its files. */
  readonly stop: () => void;
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How each engine opens the page at `url`, or runs the program itself; `folder` holds its profile or cache. */
const commands: Readonly<Record<EngineName, (url: string, folder: string) => Command>> = {
  naga: (url, folder) => ({
    program: process.env['HEED_DENO'] ?? 'deno',
    args: [
      'run',
      '--no-config',
      '--no-lock',
      '--allow-net=127.0.0.1',
      '--unstable-webgpu',
      `${url}program.js`,
    ],
    env: { DENO_DIR: folder, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
  }),
  firefox: (url, folder) => {
    writeFileSync(join(folder, 'user.js'), firefoxPreferences);
    return {
      program: process.env['HEED_FIREFOX'] ?? 'firefox-esr',
      args: ['--headless', '--no-remote', '--profile', folder, url],
      env: { MOZ_HEADLESS: '1', HOME: folder },
    };
  },
  chromium: (url, folder) => ({
    program: process.env['HEED_CHROMIUM'] ?? 'chromium',
    args: [...chromiumArgs, `--user-data-dir=${folder}`, url],
  }),
};

/** The first two turn WebGPU on, which Firefox disables on Linux and for CPU adapters; the others keep the browser off the network. */
const firefoxPreferences = Object.entries({
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9',
  'toolkit.telemetry.enabled': false,
})
  .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  .join('');

const chromiumArgs = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];

/** Starts an engine and opens an address in it. */
export function start(name: EngineName, url: string): Started {
  const folder = mkdtempSync(join(tmpdir(), `heed-${name}-`));
  const { program, args, env } = commands[name](url, folder);
  // A separate process group, because a browser is several processes.
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const stop = (): void => {
    process.off('exit', stop);
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', stop);
  return { child, stop };
}
