import { existsSync } from 'node:fs';
import { UnsupportedError } from '@heed/core';
import { chromium, type LaunchOptions, type Page } from 'playwright';
import { firstLine } from '../first-use.ts';

/** A page of a browser that has WebGPU. */
export interface OpenPage {
  readonly page: Page;
  /** The browser's name and version. */
  readonly browser: string;
  /** Whether its WebGPU computes on the CPU. */
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

/** The Chromium that is named, or Debian's, else Playwright's own, else Chrome. */
function programs(): LaunchOptions[] {
  const named =
    process.env['HEED_CHROMIUM'] ?? ['/usr/bin/chromium'].find((path) => existsSync(path));
  return named === undefined ? [{}, { channel: 'chrome' }] : [{ executablePath: named }];
}

// The old headless mode has no WebGPU; the rest keeps the browser from the network.
const common = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
];

/** WebGPU on a GPU is behind flags on Linux, and without a screen everywhere. */
const argsByAdapter: Readonly<Record<'gpu' | 'swiftshader', string[]>> = {
  gpu: [
    ...common,
    '--ignore-gpu-blocklist',
    ...(process.platform === 'linux' ? ['--enable-features=Vulkan'] : []),
  ],
  swiftshader: [...common, '--use-webgpu-adapter=swiftshader'],
};

/** What the page's WebGPU computes on. */
async function visit(page: Page, url: string): Promise<string> {
  await page.goto(url);
  return page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return 'no WebGPU adapter';
    return adapter.info.isFallbackAdapter ? 'cpu' : 'gpu';
  });
}
