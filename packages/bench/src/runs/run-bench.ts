import type { Tuning } from '@heed/core';
import { runComparison } from './run-comparison.ts';
import type { ComparisonResult, Report } from '../measure/bench-results.ts';
import { type GpuHost, openGpuHost, openHeed } from '../measure/gpu-host.ts';
import { type Limits, measureLimits } from '../measure/roofline.ts';
import { Pace } from '../measure/timing.ts';
import { sized } from '../measure/workloads.ts';
import { peerFactories } from '../peers/node-peers.ts';
import type { Options } from './bench-options.ts';
import { runRows } from './rows.ts';

/** The context of a run. */
export interface RunContext {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

type Asked = Pick<Options, 'rows' | 'comparisons' | 'peers' | 'rounds' | 'seconds'>;

/** Runs rows and comparisons in this process. Rejects with the abort reason of `signal`. */
export async function runBench(
  options: Asked,
  context: RunContext,
  tuning?: Tuning,
): Promise<Report> {
  const { rows: asked, comparisons, rounds, seconds } = options;
  const { signal, progress } = context;
  const host = { ...(await openGpuHost()), ...(tuning && { tuning }) };
  progress(`adapter: ${host.adapter}`);
  const limits = await limitsOf(host, context);
  const peers = options.peers.map((name) =>
    (peerFactories[name] as (typeof peerFactories)[string])(host),
  );
  const pace = new Pace(asked.length + comparisons.length);
  const how = { rounds, seconds, signal, progress, pace };
  const rows = await runRows(sized(asked, host.isCpu ? 'cpu' : 'gpu'), peers, how);
  return {
    date: new Date().toISOString(),
    adapter: host.adapter,
    node: process.versions.node,
    limits,
    ...(tuning && { tuning }),
    versions: Object.fromEntries(peers.map(({ name, version }) => [name, version])),
    rows,
    comparisons: await compareAll(comparisons, host, how),
  };
}

async function limitsOf(host: GpuHost, { progress }: RunContext): Promise<Limits> {
  using heed = await openHeed(host, 'bench limits');
  const limits = await measureLimits(heed);
  progress(
    `limits: ${limits.gflops.toFixed(0)} GFLOP/s of f32 multiply-adds, ${limits.gigabytes.toFixed(1)} GB/s of copying`,
  );
  return limits;
}

async function compareAll(
  comparisons: Asked['comparisons'],
  host: GpuHost,
  how: Parameters<typeof runRows>[2],
): Promise<ComparisonResult[]> {
  const results: ComparisonResult[] = [];
  if (comparisons.length === 0) return results;
  using heed = await openHeed(host);
  for (const comparison of comparisons) {
    how.progress(how.pace.next(comparison.id));
    results.push(await runComparison(comparison, heed, how));
  }
  return results;
}
