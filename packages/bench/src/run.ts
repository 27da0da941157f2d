import type { Tuning } from '@heed/core';
import type { ComparisonResult } from './comparisons/comparison.ts';
import { runComparison } from './comparisons/run.ts';
import { firstLine } from './first-use.ts';
import { type GpuHost, openGpuHost, openHeed } from './gpu-host.ts';
import type { Options } from './options.ts';
import type { Peer } from './peer.ts';
import { peerFactories } from './peers/index.ts';
import { type Limits, measureLimits } from './roofline/limits.ts';
import type { Report, RowResult, Skipped } from './results.ts';
import { runRow } from './row.ts';
import { type Workload, workloadsFor } from './workloads.ts';

/** What a run needs beside its options. */
export interface RunContext {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Opens the programs, runs the rows one after another, closes the programs. Rejects with the abort reason of `signal`. */
export async function runBench(
  options: Pick<Options, 'rows' | 'comparisons' | 'peers' | 'rounds' | 'seconds'>,
  context: RunContext,
  tuning?: Tuning,
): Promise<Report> {
  const host = { ...(await openGpuHost()), ...(tuning && { tuning }) };
  context.progress(`adapter: ${host.adapter}`);
  const limits = await limitsOf(host, context);
  const peers = options.peers.map((name) =>
    (peerFactories[name] as (typeof peerFactories)[string])(host),
  );
  const [open, absent] = await openAll(peers, context);
  const rows: RowResult[] = [];
  try {
    for (const workload of sized(options.rows, host)) {
      const row = await runRow(workload, open, { ...context, ...options });
      rows.push({ ...row, peers: [...row.peers, ...absent] });
    }
  } finally {
    for (const peer of open) await peer.close();
  }
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
  return {
    date: new Date().toISOString(),
    adapter: host.adapter,
    node: process.versions.node,
    limits,
    ...(tuning && { tuning }),
    versions,
    rows,
    comparisons: await compareAll(options, host, context),
  };
}

/** The rows at the lengths that suit the adapter. */
function sized(rows: readonly Workload[], { isCpu }: GpuHost): Workload[] {
  const known = new Map(workloadsFor(isCpu ? 'cpu' : 'gpu').map((row) => [row.id, row]));
  return rows.map((row) => known.get(row.id) ?? row);
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
  options: Pick<Options, 'comparisons' | 'rounds' | 'seconds'>,
  host: GpuHost,
  context: RunContext,
): Promise<ComparisonResult[]> {
  const results: ComparisonResult[] = [];
  if (options.comparisons.length === 0) return results;
  using heed = await openHeed(host);
  for (const comparison of options.comparisons) {
    results.push(await runComparison(comparison, heed, { ...context, ...options }));
  }
  return results;
}

async function openAll(
  peers: readonly Peer[],
  { signal, progress }: RunContext,
): Promise<[open: Peer[], absent: Skipped[]]> {
  const open: Peer[] = [];
  const absent: Skipped[] = [];
  for (const peer of peers) {
    signal.throwIfAborted();
    progress(`opening ${peer.name} ${peer.version}`);
    const reason = await peer.available().catch(firstLine);
    if (reason === undefined) open.push(peer);
    else absent.push({ peer: peer.name, skipped: reason });
  }
  return [open, absent];
}
