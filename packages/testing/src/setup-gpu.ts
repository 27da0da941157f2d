import { kernelCount } from '@heed/core/kernel';
import { afterEach } from 'vitest';
import { collectError, takeGpuErrors } from './gpu-errors.ts';
import './task-meta.ts';
import { openedGpu } from './test-gpu.ts';

afterEach(async ({ task }) => {
  const gpu = openedGpu();
  if (gpu === undefined) return;
  // What the test did not await is its fault too.
  await gpu.settled().catch(collectError);
  task.meta.pipelines = kernelCount(gpu);
  const errors = takeGpuErrors();
  if (errors.length > 0) {
    throw new Error(`the GPU reported:\n${errors.map((error) => error.message).join('\n')}`);
  }
});
