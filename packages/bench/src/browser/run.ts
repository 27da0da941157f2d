import type { Tuning } from '@heed/core';
import type { Options } from '../options.ts';
import type { Report } from '../results.ts';
import type { RunContext } from '../run.ts';
import { openPage } from './chromium.ts';
import { type PagePeer, versionsOf } from './peers.ts';
import { sized } from '../workloads.ts';
import { servePage } from './serve.ts';

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
