import type { Gpu, Tensor } from '@heed/core';
import { random } from '@heed/conformance/reference';
import { varlenAttention } from '@heed/kernels-wgsl';
import { type CacheOptions, type KvSequence, PagedKvCache } from '@heed/kvcache';
import type { Contestant, Job } from '../measure/bench-results.ts';

const SEQUENCES = 64;
const PAST = 511;
const HEADS_Q = 8;
/** A model's number of layers: they are recorded together, so that their time outweighs that of the submit. */
const LAYERS = 8;
const shape = { layers: 1, kvHeads: 2, headDim: 64 } as const;
const options = { causal: true } as const;

/** Compares a decode step of 64 sequences over pages in every layer with the same over contiguous keys and values. */
export function decodeOverPages(): Contestant[] {
  const call = 'varlenAttention(q, cache.view(0, sequences))';
  let expected: Float32Array;
  return [
    {
      name: 'contiguous',
      how: `varlenAttention(q, k, v), ${SEQUENCES} sequences of ${PAST + 1} keys`,
      async prepare(gpu) {
        const [q, k, v] = [rows(gpu, 'q', 1), rows(gpu, 'k', PAST + 1), rows(gpu, 'v', PAST + 1)];
        const lists = { cuSeqlensQ: evenly(1), cuSeqlensK: evenly(PAST + 1) };
        const step = (): Tensor => varlenAttention(q, k, v, { ...options, ...lists }).out;
        return job(gpu, step, [q, k, v], (out) => (expected = out));
      },
    },
    {
      name: 'f32 pages',
      how: call,
      atMost: 1.1,
      prepare: (gpu) => decodeStep(gpu, 'f32', () => expected),
    },
    {
      name: 'append',
      how: 'cache.append(0, sequences, k, v), the step’s keys and values',
      atMost: 0.1,
      prepare: appendStep,
    },
    { name: 'f16 pages', how: call, prepare: (gpu) => decodeStep(gpu, 'f16') },
    { name: 'int8 pages', how: call, prepare: (gpu) => decodeStep(gpu, 'int8') },
    { name: 'int4 pages', how: call, prepare: (gpu) => decodeStep(gpu, 'int4') },
  ];
}

async function decodeStep(
  gpu: Gpu,
  dtype: CacheOptions['dtype'],
  expected?: () => Float32Array,
): Promise<Job> {
  const { cache, sequences } = await filled(gpu, dtype);
  const q = rows(gpu, 'q', 1);
  const view = cache.view(0, sequences);
  const call = { ...options, cuSeqlensQ: view.cuSeqlensQ };
  let latest: Float32Array;
  const made = job(
    gpu,
    () => varlenAttention(q, view, call).out,
    [q, cache],
    (out) => (latest = out),
  );
  if (!expected) return made;
  // The kernel may split the keys at other positions, which changes the order of the sums.
  const check = () => ({ maxError: largestDifference(latest, expected()), limit: 1e-5 });
  return { ...made, check };
}

async function appendStep(gpu: Gpu): Promise<Job> {
  const { cache, sequences } = await filled(gpu, 'f32');
  const [k, v] = [rows(gpu, 'k', 1), rows(gpu, 'v', 1)];
  return {
    async run() {
      gpu.batch(() => {
        for (let layer = 0; layer < LAYERS; layer++) {
          for (const sequence of sequences) sequence.truncate(PAST);
          cache.append(0, sequences, k, v);
        }
      });
      await gpu.settled();
    },
    dispose: () => [k, v, cache].forEach((x) => x.dispose()),
  };
}

/** Times the cache on the host: nothing waits for the GPU, and all steps are in one submit. */
export function cacheCost(steps: number): Contestant[] {
  return [
    {
      name: `${steps} decode steps`,
      how: `append and view of ${SEQUENCES} sequences, recorded and submitted`,
      atMostMs: 0.2 * steps,
      prepare: async (gpu) => warm(gpu, await hostSteps(gpu, steps)),
    },
    {
      name: `${steps} prefix hits`,
      how: 'open and close with a cached prefix of 1,024 tokens, pages of 16',
      atMostMs: 0.1 * steps,
      prepare: async (gpu) => warm(gpu, await prefixHits(gpu, steps)),
    },
  ];
}

/** Steps before timing: the JavaScript engine optimises a serving loop after some steps, and the loop then runs for hours. */
async function warm(gpu: Gpu, made: Job): Promise<Job> {
  for (let i = 0; i < 30; i++) {
    await made.run();
    await gpu.settled();
  }
  return made;
}

async function hostSteps(gpu: Gpu, steps: number): Promise<Job> {
  const { cache, sequences } = await filled(gpu, 'f16');
  const [k, v] = [rows(gpu, 'k', 1), rows(gpu, 'v', 1)];
  return {
    async run() {
      for (const sequence of sequences) sequence.truncate(PAST - steps);
      gpu.batch(() => {
        for (let step = 0; step < steps; step++) {
          cache.append(0, sequences, k, v);
          void cache.view(0, sequences).blockTable;
        }
      });
    },
    dispose: () => [k, v, cache].forEach((x) => x.dispose()),
  };
}

async function prefixHits(gpu: Gpu, steps: number): Promise<Job> {
  const tokens = Uint32Array.from({ length: 1025 }, (_, i) => (i * 7919) % 50_000);
  const cache = await PagedKvCache.create(gpu, { ...shape, pages: 65 });
  const k = gpu.empty([1025, shape.kvHeads, shape.headDim]);
  const sequence = cache.open();
  cache.append(0, [sequence], k, k);
  sequence.commit(tokens);
  sequence.close();
  return {
    async run() {
      for (let step = 0; step < steps; step++) cache.open({ tokens }).close();
    },
    check: () => ({ maxError: cache.stats().hitRate * 1025 - 1024, limit: 0 }),
    dispose: () => [k, cache].forEach((x) => x.dispose()),
  };
}

/** Makes a cache whose sequences grew in turns, so that their pages are interleaved. */
async function filled(
  gpu: Gpu,
  dtype: CacheOptions['dtype'],
): Promise<{ cache: PagedKvCache; sequences: KvSequence[] }> {
  const pages = SEQUENCES * Math.ceil((PAST + 1) / 16);
  const cache = await PagedKvCache.create(gpu, { ...shape, pages, ...(dtype && { dtype }) });
  const sequences = Array.from({ length: SEQUENCES }, () => cache.open());
  const [k, v] = [rows(gpu, 'k', PAST + 1), rows(gpu, 'v', PAST + 1)];
  const part = (x: Tensor, start: number, end: number): Tensor[] =>
    sequences.map((_, i) => x.slice(0, i * (PAST + 1) + start, i * (PAST + 1) + end));
  for (let start = 0; start < PAST + 1; start += 64) {
    const [ks, vs] = [part(k, start, start + 64), part(v, start, start + 64)];
    sequences.forEach((sequence, i) => cache.append(0, [sequence], ks[i]!, vs[i]));
  }
  // A view holds the query rows of the last step.
  for (const sequence of sequences) sequence.truncate(PAST);
  const last = [k, v].map((x) =>
    x
      .reshape([SEQUENCES, PAST + 1, shape.kvHeads, shape.headDim])
      .slice(1, PAST, PAST + 1)
      .reshape([SEQUENCES, shape.kvHeads, shape.headDim]),
  );
  cache.append(0, sequences, last[0]!, last[1]);
  await gpu.settled();
  k.dispose();
  v.dispose();
  return { cache, sequences };
}

/** Makes [64 · length, heads, D] normal numbers, the same for every contestant. */
function rows(gpu: Gpu, x: 'q' | 'k' | 'v', length: number): Tensor {
  const heads = x === 'q' ? HEADS_Q : shape.kvHeads;
  const source = random(x.charCodeAt(0));
  const count = SEQUENCES * length * heads * shape.headDim;
  const data = Float32Array.from({ length: count }, () => source.normal());
  return gpu.tensor(data, { shape: [SEQUENCES * length, heads, shape.headDim] });
}

const evenly = (length: number): Int32Array =>
  Int32Array.from({ length: SEQUENCES + 1 }, (_, i) => i * length);

function job(
  gpu: Gpu,
  step: () => Tensor,
  owned: readonly { dispose(): void }[],
  latest: (out: Float32Array) => void,
): Job {
  return {
    async run() {
      using out = gpu.batch(() => {
        for (let layer = 1; layer < LAYERS; layer++) step().dispose();
        return step();
      });
      latest((await out.read()) as Float32Array);
    },
    dispose: () => owned.forEach((x) => x.dispose()),
  };
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
