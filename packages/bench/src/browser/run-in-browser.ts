import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Tuning, UnsupportedError } from '@heed/core';
import { chromiumFlags, chromiumProgram, swiftshaderFlag } from '@heed/testing/chromium';
import { chromium, type LaunchOptions, type Page } from 'playwright';
import { build, preview } from 'vite';
import type { Report } from '../measure/bench-results.ts';
import { firstLine } from '../measure/first-use.ts';
import { sized } from '../measure/workloads.ts';
import type { Options } from '../runs/bench-options.ts';
import type { RunContext } from '../runs/run-bench.ts';
import { type PagePeer, versionsOf } from './page-job.ts';

/**
 * Runs rows in a page of Chromium. Rejects with the abort reason of `signal`.
 * @throws UnsupportedError no Chromium with WebGPU
 */
export async function runBrowserBench(
  { rows, peers, rounds, seconds }: Pick<Options, 'rows' | 'peers' | 'rounds' | 'seconds'>,
  { signal, progress }: RunContext,
  tuning?: Tuning,
): Promise<Report> {
  progress('building the page');
  const served = await servePage();
  try {
    signal.throwIfAborted();
    const { page, browser, isCpu, close } = await openPage(served.url);
    const stop = (): void => void close();
    signal.addEventListener('abort', stop);
    try {
      progress(`browser: ${browser}`);
      await page.exposeFunction('benchProgress', progress);
      const versions = versionsOf(peers as readonly PagePeer[]);
      const times = { rounds, seconds, ...(tuning && { tuning }) };
      const job = { rows: sized(rows, isCpu ? 'page-cpu' : 'gpu'), versions, ...times };
      const result = await page.evaluate((given) => globalThis.runBench!(given), job);
      return {
        date: new Date().toISOString(),
        browser,
        node: process.versions.node,
        ...(tuning && { tuning }),
        versions,
        comparisons: [],
        ...result,
      };
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await close();
    }
  } finally {
    await served.close();
  }
}

/** A page of a browser that has WebGPU. */
export interface OpenPage {
  readonly page: Page;
  /** The browser's name and version. */
  readonly browser: string;
  /** True if its WebGPU computes on the CPU. */
  readonly isCpu: boolean;
  readonly close: () => Promise<void>;
}

/**
 * Opens an address in Chromium, on a GPU if there is one, else on its own SwiftShader.
 * @throws UnsupportedError no Chromium starts, or none has WebGPU
 */
export async function openPage(url: string): Promise<OpenPage> {
  const reasons = new Set<string>();
  for (const program of programs()) {
    for (const [adapter, args] of Object.entries(argsByAdapter)) {
      const browser = await chromium.launch({ ...program, args }).catch(firstLine);
      if (typeof browser === 'string') {
        reasons.add(browser);
        break;
      }
      const page = await browser.newPage();
      const found = await visit(page, url).catch(firstLine);
      if (found === 'gpu' || (found === 'cpu' && adapter === 'swiftshader')) {
        const name = `Chromium ${browser.version()}`;
        return { page, browser: name, isCpu: found === 'cpu', close: () => browser.close() };
      }
      await browser.close();
      reasons.add(`Chromium ${browser.version()}: ${found === 'cpu' ? 'no GPU' : found}`);
    }
  }
  throw new UnsupportedError(
    `bench --browser: not measured: no Chromium with WebGPU here (${[...reasons].join('; ')}). ` +
      'Install one, or name its program in HEED_CHROMIUM.',
  );
}

/** Returns the programs to try: the one that is named or Debian's, else Playwright's own and Chrome. */
function programs(): LaunchOptions[] {
  const executablePath = chromiumProgram();
  return executablePath === undefined ? [{}, { channel: 'chrome' }] : [{ executablePath }];
}

/** WebGPU on a GPU needs flags on Linux, and everywhere in headless mode. */
const argsByAdapter: Readonly<Record<'gpu' | 'swiftshader', string[]>> = {
  gpu: [
    ...chromiumFlags,
    '--ignore-gpu-blocklist',
    ...(process.platform === 'linux' ? ['--enable-features=Vulkan'] : []),
  ],
  swiftshader: [...chromiumFlags, swiftshaderFlag],
};

/** Loads the page; returns 'gpu' or 'cpu' for its WebGPU, or why it has none. */
async function visit(page: Page, url: string): Promise<string> {
  await page.goto(url);
  return page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return 'no WebGPU adapter';
    return adapter.info.isFallbackAdapter ? 'cpu' : 'gpu';
  });
}

const root: string = fileURLToPath(new URL('page/', import.meta.url));

/** The page, served on a free port of this machine. */
export interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Builds the page into a temporary folder and serves it. */
export async function servePage(): Promise<Served> {
  const outDir = await mkdtemp(join(tmpdir(), 'heed-bench-'));
  const config = { root, configFile: false, logLevel: 'error' } as const;
  await build({
    ...config,
    resolve: { conditions: ['@heed/source', 'module', 'browser', 'default'] },
    build: { outDir, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 10_000 },
  });
  const server = await preview({
    ...config,
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1' },
  });
  return {
    url: server.resolvedUrls!.local[0]!,
    close: async () => {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
