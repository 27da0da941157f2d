import type { Expected } from '@heed/conformance/reference';
import type { Peer, Prepared, Problem } from './bench-problem.ts';
import type { Checked, Skipped } from './bench-results.ts';
import { stopwatch } from './timing.ts';
import { judge } from './verdict.ts';

/** A program that ran a problem once and keeps it set up. */
export interface Ready {
  readonly prepared: Prepared;
  readonly checked: Checked;
  /** The program's adapter, if it waits for it through Node's `webgpu` without heed. */
  readonly info: GPUAdapterInfo | undefined;
}

/**
 * Sets a problem up in one program, runs it once and judges the result. Returns the reason of another program's failure; throws
 * heed's own.
 */
export async function firstUse(
  peer: Peer,
  problem: Problem,
  want: Expected,
): Promise<Ready | Skipped> {
  let prepared: Prepared | undefined;
  let unsupported = '';
  try {
    let gpuError: string | undefined;
    const firstUseMs = await stopwatch(async () => {
      gpuError = await gpuErrorOf(peer.device?.(), async () => {
        const outcome = await peer.prepare(problem);
        if ('unsupported' in outcome) unsupported = outcome.unsupported;
        else await (prepared = outcome).run();
      });
    });
    if (prepared === undefined) return { peer: peer.name, skipped: unsupported };
    if (gpuError !== undefined) throw new Error(gpuError);
    const verdict = judge(peer.name, problem.workload, prepared.result(), want);
    const checked = { peer: peer.name, how: prepared.how, firstUseMs, ...verdict };
    return { prepared, checked, info: peer.device?.().adapterInfo };
  } catch (error) {
    await prepared?.dispose();
    if (peer.name === 'heed') throw error;
    return { peer: peer.name, skipped: firstLine(error) };
  }
}

/** Returns the first line of an error's message. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}

const scopes = ['out-of-memory', 'validation'] as const;

/** Runs `work`; resolves to the first line of the device's error, or to undefined without an error or a device. */
async function gpuErrorOf(
  device: GPUDevice | undefined,
  work: () => Promise<void>,
): Promise<string | undefined> {
  if (device === undefined) return work().then(() => undefined);
  for (const scope of scopes) device.pushErrorScope(scope);
  let errors: (GPUError | null)[] = [];
  try {
    await work();
  } finally {
    errors = await Promise.all(scopes.map(() => device.popErrorScope()));
  }
  return errors.find((error) => error !== null)?.message.split('\n')[0];
}
