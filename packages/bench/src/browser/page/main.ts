import { openGpu } from '@heed/core';
import { adapterName } from '../../measure/bench-results.ts';
import { Pace } from '../../measure/timing.ts';
import { measureLimits } from '../../measure/roofline.ts';
import { runRows } from '../../runs/rows.ts';
import type { PageJob, PageResult } from '../page-job.ts';
import { pagePeers } from './page-peers.ts';

const progress = (line: string): void => globalThis.benchProgress?.(line);
const { signal } = new AbortController();

/** Runs the benchmark in a page: all programs on one adapter, onnxruntime on heed's device. */
globalThis.runBench = async ({ versions, rounds, seconds, tuning, ...job }: PageJob) => {
  using gpu = await openGpu({
    powerPreference: 'high-performance',
    label: 'bench',
    ...(tuning && { tuning }),
  });
  const adapter = adapterName(gpu.capabilities.adapter);
  progress(`adapter: ${adapter}`);
  const limits = await measureLimits(gpu);
  const how = { rounds, seconds, signal, progress, pace: new Pace(job.rows.length) };
  const rows = await runRows(job.rows, pagePeers(gpu, versions), how);
  return { adapter, limits, rows } satisfies PageResult;
};
