// The program that runs in an engine: it requests one case after the other from its host and posts each result.
import type { Gpu } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { allCases } from '../cases/all-cases.ts';
import { openAdapter } from './open-adapter.ts';
import { runCase } from '../run/run-conformance.ts';
import type { Job, Message } from './engine.ts';

const host = new URL('.', import.meta.url).href;

/** Posts the result of the last job and resolves with the next job. */
async function next(message: Message): Promise<Job> {
  const response = await fetch(`${host}next`, { method: 'POST', body: JSON.stringify(message) });
  return (await response.json()) as Job;
}

async function main(): Promise<void> {
  let job = await next({ kind: 'started' });
  if (!('device' in job)) throw new Error('the first job opens the device');
  const gpu: Gpu = await openAdapter(job.device);
  let lost = false;
  void gpu.device.lost.then(() => (lost = true));
  job = await next({ kind: 'opened', capabilities: gpu.capabilities });
  for (;;) {
    const { id } = job as { id: string };
    const named = allCases.find((c) => c.id === id);
    if (named === undefined) throw new Error(`no case is called ${id}`);
    const report = await runCase(gpu, named);
    job = await next({ kind: 'case', report, pipelines: kernelCount(gpu), lost });
  }
}

try {
  await main();
} catch (error) {
  await next({
    kind: 'broken',
    error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
  });
}
