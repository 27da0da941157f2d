import type { Gpu } from '@heed/core';
import { bindTensor, breathing, dispatch, getKernel, type KernelSource } from '@heed/core/kernel';
import { stopwatch } from '../measure.ts';
import { fmaSource, LANES, OPERATIONS_PER_TURN } from './fma.wgsl.ts';
import { copySource, VECTORS_PER_THREAD } from './copy.wgsl.ts';

/** What an adapter can do at most, as measured: the roof that a row is held against. */
export interface Limits {
  /** 10⁹ f32 operations a second, a fused multiply-add being two. */
  readonly gflops: number;
  /** 10⁹ bytes a second, those read and those written. */
  readonly gigabytes: number;
}

const shortestMs = 20;
const tries = 5;

/** Measures both limits: the best of some runs, each long enough that starting it does not matter. */
export async function measureLimits(gpu: Gpu): Promise<Limits> {
  return { gflops: await arithmetic(gpu), gigabytes: await copying(gpu) };
}

async function arithmetic(gpu: Gpu): Promise<number> {
  const groups = 256;
  using out = gpu.empty([groups * LANES, 4]);
  const rate = await bestRate(gpu, (turns) => {
    launch(gpu, fmaSource, [bindTensor(out).range], Uint32Array.of(turns), groups);
    return groups * LANES * turns * OPERATIONS_PER_TURN;
  });
  return rate / 1e9;
}

// More than the caches of a GPU hold; a CPU adapter's memory is that of the machine, and the time of a test counts.
const copiedBytes = (gpu: Gpu): number =>
  gpu.capabilities.adapter.isFallbackAdapter
    ? 32 * 2 ** 20
    : Math.min(
        512 * 2 ** 20,
        2 ** Math.floor(Math.log2(gpu.capabilities.limits.maxStorageBufferBindingSize)),
      );

async function copying(gpu: Gpu): Promise<number> {
  const words = copiedBytes(gpu) / 4;
  const groups = words / 4 / LANES / VECTORS_PER_THREAD;
  using from = gpu.empty([words]);
  using to = gpu.empty([words]);
  const ranges = [bindTensor(from, 16).range, bindTensor(to, 16).range];
  const rate = await bestRate(gpu, (turns) => {
    gpu.batch(() => {
      for (let i = 0; i < turns; i++)
        launch(gpu, copySource, ranges, Uint32Array.of(groups), groups);
    });
    return turns * words * 4 * 2;
  });
  return rate / 1e9;
}

type Ranges = readonly ReturnType<typeof bindTensor>['range'][];

function launch(
  gpu: Gpu,
  source: KernelSource,
  ranges: Ranges,
  params: Uint32Array,
  groups: number,
): void {
  dispatch(gpu, {
    kernel: getKernel(gpu, source),
    buffers: ranges,
    params,
    workgroups: [groups, 1, 1],
  });
}

/** The best of some runs, in units of work a second; `start` begins work of so many turns and tells how much it is. */
async function bestRate(gpu: Gpu, start: (turns: number) => number): Promise<number> {
  const time = async (turns: number): Promise<{ ms: number; work: number }> => {
    let work = 0;
    const ms = await stopwatch(async () => {
      work = start(turns);
      await breathing(gpu.device.adapterInfo, gpu.settled());
    });
    return { ms, work };
  };
  let turns = 1;
  await time(turns);
  while ((await time(turns)).ms < shortestMs && turns < 2 ** 20) turns *= 2;
  let best = 0;
  for (let i = 0; i < tries; i++) {
    const { ms, work } = await time(turns);
    best = Math.max(best, work / (ms / 1000));
  }
  return best;
}
