import type { Gpu } from '@heed/core';
import {
  bindTensor,
  breathing,
  dispatch,
  getKernel,
  type KernelSource,
  wgsl,
} from '@heed/core/kernel';
import { stopwatch } from './timing.ts';
import type { Workload } from './workloads.ts';

/** The measured limits of an adapter, which bound the time of a row. */
export interface Limits {
  /** 10⁹ f32 operations per second; a fused multiply-add counts as two. */
  readonly gflops: number;
  /** 10⁹ bytes per second, read and written. */
  readonly gigabytes: number;
}

const shortestMs = 20;
const tries = 5;

/** Measures both limits: the best of some runs, each long enough that its start does not matter. */
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

// More than the caches of a GPU. Less on a CPU adapter, where it must fit the machine's memory and a test's time.
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

/** Returns the best of some runs, in units of work per second; `start` begins work of `turns` turns and returns its amount. */
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

/** Threads per workgroup. */
const LANES = 64;

// Few enough for the registers of a CPU, which has 16; a vec4 takes four.
const chains = [0, 1, 2];
const STEPS = 4;

/** Operations per thread and turn: vec4 multiply-adds in independent chains. */
const OPERATIONS_PER_TURN: number = STEPS * chains.length * 4 * 2;

/** Multiplies and adds; writes memory only to keep the results. */
export const fmaSource: KernelSource = {
  label: 'heed-bench/fma',
  bindings: ['write', 'uniform'],
  code: `${wgsl`
    struct Params {
      turns: u32,
    }

    @group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
    @group(0) @binding(1) var<uniform> params: Params;

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let factor = vec4<f32>(0.999 + f32(id.x & 1u) * 1e-4);
      let term = vec4<f32>(1e-3);
      ${chains.map((i) => `var x${i} = vec4<f32>(f32(id.x + ${i}u));`)}
      for (var turn = 0u; turn < params.turns; turn++) {
        ${Array.from({ length: STEPS }, () => chains.map((i) => `x${i} = fma(x${i}, factor, term);`))}
      }
      out[id.x] = ${chains.map((i) => `x${i}`).join(' + ')};
    }
  `}\n`,
};

const VECTORS_PER_THREAD = 16;

/** Copies memory, 16 bytes at a time. */
export const copySource: KernelSource = {
  label: 'heed-bench/copy',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      groups: u32,
    }

    @group(0) @binding(0) var<storage, read> from_buffer: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> to_buffer: array<vec4<f32>>;
    @group(0) @binding(2) var<uniform> params: Params;

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let threads = params.groups * ${LANES}u;
      for (var i = 0u; i < ${VECTORS_PER_THREAD}u; i++) {
        to_buffer[id.x + i * threads] = from_buffer[id.x + i * threads];
      }
    }
  `}\n`,
};

/**
 * Counts the visible (query, key) pairs of one head of one sequence, with the diagonal tied to the end. A causal query sees itself
 * and at most `window` keys before it.
 */
export function visiblePairs(
  seqlenQ: number,
  seqlenK: number,
  causal: boolean,
  window: number = Infinity,
): number {
  if (!causal) return seqlenQ * seqlenK;
  let pairs = 0;
  for (let i = 0; i < seqlenQ; i++)
    pairs += Math.max(0, Math.min(seqlenK, i + seqlenK - seqlenQ + 1, window + 1));
  return pairs;
}

/**
 * Counts the floating-point operations of a workload: two matrix products of 2·headDim operations per visible pair and query head.
 * Masked pairs and padding do not count, so a program that computes them shows fewer FLOP/s.
 */
export function flopsOf({ sequences, causal, window, headsQ, headDim }: Workload): number {
  const pairs = sequences.reduce(
    (sum, { seqlenQ, seqlenK }) => sum + visiblePairs(seqlenQ, seqlenK, causal, window),
    0,
  );
  return 4 * headDim * headsQ * pairs;
}

const bytesPerElement = { f32: 4, f16: 2 } as const;

/** Returns the least number of bytes that a workload moves: visible rows of q, k and v read once, out written once. */
export function bytesOf({
  sequences,
  headsQ,
  headsKv,
  headDim,
  dtype,
  window = Infinity,
}: Workload): number {
  const rows = sequences.reduce(
    (sum, { seqlenQ, seqlenK }) =>
      sum + 2 * headsQ * seqlenQ + 2 * headsKv * Math.min(seqlenK, seqlenQ + window),
    0,
  );
  return rows * headDim * bytesPerElement[dtype];
}

/** Returns the least milliseconds on an adapter: those of the arithmetic or of the memory, whichever are more. */
export function roofMs({ gflops, gigabytes }: Limits, flops: number, bytes: number): number {
  return Math.max(flops / gflops, bytes / gigabytes) / 1e6;
}
