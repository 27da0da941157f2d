import { type Gpu, openGpu } from '@heed/core';
import { type AttentionProblem, type DifferentiablePlan, planAttention } from '@heed/kernels-wgsl';
import { isFullRun, recordingDevice } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import type { MakeTensor } from '../../src/host/options/attention-option.ts';
import { tensorsOfProblem } from '../../src/plan/attention-problem.ts';
import { devices } from './facts.ts';
import { pairwise } from './pairwise.ts';

const layouts = ['dense', 'varlen', 'paged'] as const;
const types = [{ dtype: 'f32' }, { dtype: 'f16' }, { dtype: 'f32', format: 'f16' }] as const;
const dims = [
  [64, 64],
  [6, 10],
  [5, 7],
] as const;
/** [query heads, kv heads, query rows, keys] of a sequence: prefill, decode, and no query at all. */
const sizes = [
  [4, 2, 33, 48],
  [8, 1, 1, 700],
  [2, 2, 0, 48],
] as const;
const options: readonly Partial<AttentionProblem>[] = [
  {},
  { softcap: true, sinks: true },
  { alibiSlopes: true, causal: true, window: true, returnLse: true },
  { softcap: true, alibiSlopes: true, sinks: true },
];
const modes: readonly Partial<AttentionProblem>[] = [
  {},
  { numSplits: 3 },
  { backward: true },
  { backward: true, numSplits: 2 },
];

/** Every layout × types × head dims × sizes × mode, each with one of the sets of options. */
const every: readonly AttentionProblem[] = layouts.flatMap((layout) =>
  types.flatMap((type) =>
    dims.flatMap(([d, dv]) =>
      sizes.flatMap(([hq, hk, lq, lk], s) =>
        modes.map((mode, m): AttentionProblem => {
          const shapes = {
            dense: {
              q: [2, hq, lq, d],
              k: [m % 2 ? 1 : 2, hk, lk, d],
              v: [m % 2 ? 1 : 2, hk, lk, dv],
            },
            varlen: { q: [2 * lq, hq, d], k: [2 * lk, hk, d], v: [2 * lk, hk, dv], sequences: 2 },
            paged: { q: [2 * lq, hq, d], k: [12, 16, hk, d], v: [12, 16, hk, dv], sequences: 2 },
          }[layout];
          return { layout, ...type, ...shapes, ...mode, ...options[(m + s + d) % options.length] };
        }),
      ),
    ),
  ),
);
/** The quick run has every pair of these. */
const problems = isFullRun() ? every : pairwise(every);
const quantised = (['int8', 'int4'] as const).map((format): AttentionProblem => {
  const words = format === 'int8' ? 17 : 9;
  const sizesOfPages = {
    sequences: 2,
    q: [9, 8, 64],
    k: [12, 16, 2, words],
    v: [12, 16, 2, words],
  };
  return { layout: 'paged', format, headDim: 64, headDimV: 64, ...sizesOfPages };
});

const onGpu = (gpu: Gpu, list: unknown): unknown =>
  list instanceof Int32Array ? gpu.tensor(list, { shape: [list.length] }) : list;

/** Lists and tables as a run may have them: of the host, each in a buffer of its own, or all in one. */
const memories = ['host', 'apart', 'one buffer'] as const;

function tensorsIn(gpu: Gpu, problem: AttentionProblem, memory: (typeof memories)[number]): never {
  const shared = gpu.empty([4096]);
  let next = 0;
  const make: MakeTensor = (name, shape, dtype) => {
    if (memory !== 'one buffer' || !['alibiSlopes', 'sinks'].includes(name)) {
      return gpu.empty(shape, { dtype });
    }
    const [first, count] = [next, shape[0]!];
    next += count;
    return shared.slice(0, first, first + count);
  };
  const tensors = tensorsOfProblem(problem, make) as unknown as Record<string, unknown>;
  // A dense call may come with used lengths, whatever the problem says.
  if (problem.layout === 'dense' && memory !== 'one buffer') {
    tensors['seqUsedK'] = new Int32Array(2).fill(problem.k[2]!);
  }
  if (memory === 'host') return tensors as never;
  const table = tensors['blockTable'] as Int32Array | undefined;
  const lists = Object.entries(tensors).map(([name, value]) => [name, onGpu(gpu, value)] as const);
  return {
    ...Object.fromEntries(lists),
    ...(table && { blockTable: gpu.tensor(table, { shape: [2, table.length / 2] }) }),
  } as never;
}

const classes = ['WebGPU defaults', 'a CPU with subgroups of 8', 'a GPU with matrices'];

describe.for(classes)('on %s, a plan that was warmed up compiles nothing more', (name) => {
  it.for([
    ...layouts.map((layout) => [layout, problems.filter((p) => p.layout === layout)] as const),
    ['quantised', quantised] as const,
  ])('for %s problems', async ([, list]) => {
    for (const problem of list) {
      const { device, compiled } = recordingDevice(devices[name]!);
      const gpu = await openGpu({ device });
      using plan = planAttention(gpu, problem) as DifferentiablePlan;
      await plan.warmup();
      const warm = compiled.length;
      for (const memory of memories) {
        const { out, lse, backward } = plan.run(tensorsIn(gpu, problem, memory));
        if (problem.backward) {
          backward(out, memory === 'apart' ? lse : undefined);
        }
      }
      expect(compiled.slice(warm), JSON.stringify(problem)).toEqual([]);
    }
  });
});
