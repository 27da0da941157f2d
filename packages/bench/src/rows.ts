import { firstLine } from './first-use.ts';
import type { Pace } from './pace.ts';
import type { Peer } from './peer.ts';
import type { RowResult, Skipped } from './results.ts';
import { type RowOptions, runRow } from './row.ts';
import type { Workload } from './workloads.ts';

/** How to run rows. */
export interface RowsOptions extends RowOptions {
  /** Each row is a step of it. */
  readonly pace: Pace;
}

/** Opens the programs, runs the rows one after another, closes the programs. Rejects with the abort reason of `signal`. */
export async function runRows(
  workloads: readonly Workload[],
  peers: readonly Peer[],
  options: RowsOptions,
): Promise<RowResult[]> {
  const [open, absent] = await openAll(peers, options);
  const rows: RowResult[] = [];
  try {
    for (const workload of workloads) {
      options.progress(options.pace.next(workload.id));
      const row = await runRow(workload, open, options);
      rows.push({ ...row, peers: [...row.peers, ...absent] });
    }
  } finally {
    for (const peer of open) await peer.close();
  }
  return rows;
}

async function openAll(
  peers: readonly Peer[],
  { signal, progress }: RowOptions,
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
