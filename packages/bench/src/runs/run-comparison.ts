import type { Gpu } from '@heed/core';
import { breathing } from '@heed/core/kernel';
import type {
  Comparison,
  ComparisonResult,
  Contestant,
  Distance,
  Job,
  Placed,
} from '../measure/bench-results.ts';
import { firstLine } from '../measure/first-use.ts';
import { interleave, pairedRatios, REST_MS, stopwatch, summarize } from '../measure/timing.ts';
import type { RowOptions } from './rows.ts';

interface Ready {
  readonly contestant: Contestant;
  readonly job: Job;
  readonly firstUseMs: number;
  readonly distance?: Distance;
}

/** Checks every contestant, then times them interleaved. Throws the failure of the first one; reports that of another. */
export async function runComparison(
  { id, title, contestants }: Comparison,
  gpu: Gpu,
  { rounds, seconds, signal, progress }: RowOptions,
): Promise<ComparisonResult> {
  const ready: Ready[] = [];
  const skipped: { name: string; reason: string }[] = [];
  try {
    for (const contestant of contestants) {
      signal.throwIfAborted();
      progress(`${id}: ${contestant.name}, first use and check`);
      try {
        const outcome = await setUp(contestant, gpu);
        if ('job' in outcome) ready.push(outcome);
        else skipped.push({ name: contestant.name, reason: outcome.unsupported });
      } catch (error) {
        if (ready.length === 0) throw error;
        skipped.push({ name: contestant.name, reason: firstLine(error) });
      }
    }
    progress(`${id}: timing ${ready.map(({ contestant }) => contestant.name).join(', ')}`);
    const runs = ready.map(
      ({ job }) =>
        () =>
          breathing(gpu.device.adapterInfo, job.run()),
    );
    const series = await interleave(runs, {
      rounds,
      maxMs: seconds * 1000,
      restMs: REST_MS,
      signal,
    });
    const base = series[0]!;
    const placed = ready.map((one, i) => place(one, series[i]!, base));
    return { id, title, rounds: base.length, placed, skipped };
  } finally {
    for (const { job } of ready) job.dispose();
  }
}

function place(
  { contestant: { name, how, atMost, atLeast, atMostMs }, firstUseMs, distance }: Ready,
  samples: readonly number[],
  base: readonly number[],
): Placed {
  const promised = {
    ...(atMost !== undefined && { atMost }),
    ...(atMostMs !== undefined && { atMostMs }),
    ...(atLeast !== undefined && { atLeast }),
  };
  const ratio = summarize(pairedRatios(samples, base));
  const times = { firstUseMs, ms: summarize(samples), ratio, samples };
  return { name, how, ...promised, ...(distance && { distance }), ...times };
}

async function setUp(
  contestant: Contestant,
  gpu: Gpu,
): Promise<Ready | { readonly unsupported: string }> {
  let job: Job | undefined;
  let unsupported = '';
  const firstUseMs = await stopwatch(async () => {
    const outcome = await contestant.prepare(gpu);
    if ('unsupported' in outcome) unsupported = outcome.unsupported;
    else await (job = outcome).run();
  });
  if (!job) return { unsupported };
  const distance = job.check?.();
  return { contestant, job, firstUseMs, ...(distance && { distance }) };
}
