import { breathing } from '@heed/core/kernel';
import { type Peer, problemOf } from '../measure/bench-problem.ts';
import type { RowResult, Skipped, Timed } from '../measure/bench-results.ts';
import { firstLine, firstUse, type Ready } from '../measure/first-use.ts';
import { bytesOf, flopsOf } from '../measure/roofline.ts';
import { interleave, type Pace, pairedRatios, REST_MS, summarize } from '../measure/timing.ts';
import { expectedOf } from '../measure/verdict.ts';
import type { Workload } from '../measure/workloads.ts';

/** How to run rows. */
interface RowsOptions extends RowOptions {
  /** Reports progress; each row is one step. */
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

/** How to run a row. */
export interface RowOptions {
  readonly rounds: number;
  /** Seconds after which no further timed round begins; the first always runs. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Checks every peer's result against float64, then times those that ran, interleaved. */
export async function runRow(
  workload: Workload,
  peers: readonly Peer[],
  options: RowOptions,
): Promise<RowResult> {
  const { signal, progress } = options;
  const problem = problemOf(workload);
  progress(`${workload.id}: float64 reference`);
  const want = expectedOf(problem);
  const ready: Ready[] = [];
  const skipped: Skipped[] = [];
  try {
    for (const peer of peers) {
      signal.throwIfAborted();
      progress(`${workload.id}: ${peer.name}, first use and check`);
      const outcome = await firstUse(peer, problem, want);
      if ('prepared' in outcome) ready.push(outcome);
      else skipped.push(outcome);
    }
    progress(`${workload.id}: timing ${ready.map(({ checked }) => checked.peer).join(', ')}`);
    const flops = flopsOf(workload);
    const timed = await timeAll(ready, flops, options);
    const rounds = timed[0]?.samples.length ?? 0;
    return { workload, flops, bytes: bytesOf(workload), rounds, peers: [...timed, ...skipped] };
  } finally {
    for (const { prepared } of ready) await prepared.dispose();
  }
}

async function timeAll(
  ready: readonly Ready[],
  flops: number,
  { rounds, seconds, signal }: RowOptions,
): Promise<Timed[]> {
  // heed sleeps while it waits for a CPU adapter. The programs that would poll sleep too, so that kernels are compared and not ways of
  // waiting. onnxruntime waits on its own thread.
  const runs = ready.map(
    ({ prepared, info }) =>
      () =>
        breathing(info, prepared.run()),
  );
  const series = await interleave(runs, { rounds, maxMs: seconds * 1000, restMs: REST_MS, signal });
  const heed = series[ready.findIndex(({ checked }) => checked.peer === 'heed')];
  return ready.map(({ checked }, i) => {
    const samples = series[i] as number[];
    const ms = summarize(samples);
    const ratio = heed === undefined ? {} : { ratio: summarize(pairedRatios(samples, heed)) };
    return { ...checked, ms, gflops: flops / ms.median / 1e6, ...ratio, samples };
  });
}
