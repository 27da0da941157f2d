import { kernelCount } from '@heed/core/kernel';
import { afterEach, beforeEach } from 'vitest';
import { collectError, openedGpu, takeGpuErrors } from './test-gpu.ts';

let before: number | undefined;

beforeEach(() => {
  before = cpuMs();
});

afterEach(async ({ task }) => {
  if (before !== undefined) task.meta.cpuMs = cpuMs()! - before;
  const gpu = openedGpu();
  if (gpu === undefined) return;
  // Errors that the test did not await fail it too.
  await gpu.settled().catch(collectError);
  task.meta.pipelines = kernelCount(gpu);
  const errors = takeGpuErrors();
  if (errors.length > 0) {
    throw new Error(`the GPU reported:\n${errors.map((error) => error.message).join('\n')}`);
  }
});

function cpuMs(): number | undefined {
  const usage = globalThis.process?.cpuUsage?.();
  return usage && (usage.user + usage.system) / 1000;
}
