import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { attention, planAttention, varlenAttention } from '@heed/kernels-wgsl';
import type { Contestant } from '../measure/bench-results.ts';
import { LAYERS, type Layers, rawLayers } from './raw-layers.ts';

const DISPATCHES = 10 * LAYERS;
// Time for the GPU to become idle, as between the steps of a model. A driver that still has work takes more work without a wake-up,
// in a third of the time.
const REST_MS = 0.1;

interface Way {
  readonly name: string;
  readonly how: string;
  readonly layers: (gpu: Gpu) => Layers;
}

/**
 * Times dispatches on the host, over one query and one key, so that the GPU is idle. A run is a thousand dispatches: one millisecond
 * of it is one microsecond per dispatch.
 */
export function dispatchCost(): Contestant[] {
  return [...ways.map(alone), ...ways.map(inBatch)];
}

function alone({ name, how, layers }: Way): Contestant {
  let layer = 0;
  return contestant({ name, how, layers }, 1, ({ call }) => call(layer++ % LAYERS));
}

function inBatch({ name, how, layers }: Way): Contestant {
  const batched = { name: `${name}, ${LAYERS} a batch`, how, layers };
  return contestant(batched, LAYERS, ({ batch }) => batch());
}

/** @param step makes this number of dispatches */
function contestant(
  { name, how, layers }: Way,
  dispatches: number,
  step: (made: Layers) => void,
): Contestant {
  return {
    name,
    how,
    async prepare(gpu) {
      const made = layers(gpu);
      return {
        run: async () => {
          let ms = 0;
          for (let i = 0; i < DISPATCHES; i += dispatches) {
            const start = performance.now();
            step(made);
            const end = performance.now();
            ms += end - start;
            while (performance.now() < end + dispatches * REST_MS);
          }
          await gpu.settled();
          return (ms * 1000) / DISPATCHES;
        },
        dispose: made.dispose,
      };
    },
  };
}

const ways: readonly Way[] = [
  { name: 'raw', how: 'WebGPU, bind groups kept', layers: (gpu) => rawLayers(gpu, true) },
  {
    name: 'raw, no cache',
    how: 'a bind group a call',
    layers: (gpu) => rawLayers(gpu, false),
  },
  { name: 'plan.run', how: 'plan.run({ q, k, v, out })', layers: planned },
  { name: 'replay', how: 'plan.record({ q, k, v, out }).replay()', layers: recorded },
  { name: 'attention', how: 'attention(q, k, v).out.dispose()', layers: dense },
  {
    name: 'growing keys',
    how: 'attention(q, k.slice(2, 0, n), v.slice(2, 0, n), { out }), n + 1 a step',
    layers: growing,
  },
  { name: 'varlenAttention', how: 'varlenAttention(q, view, { cuSeqlensQ, out })', layers: paged },
];

const DIM = 64;

interface Operands {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly out: Tensor;
}

function operands(gpu: Gpu, q: readonly number[], k: readonly number[]): Operands[] {
  const zeros = (shape: readonly number[]): Tensor =>
    gpu.tensor(new Float32Array(shape.reduce((a, b) => a * b, DIM)), { shape: [...shape, DIM] });
  const queries = zeros(q);
  return Array.from({ length: LAYERS }, () => {
    const out = gpu.empty([...q, DIM]);
    return { q: queries, k: zeros(k), v: zeros(k), out };
  });
}

/** Calls plan.run() with outputs that are reused. */
function planned(gpu: Gpu): Layers {
  const shape = [1, 1, 1, DIM];
  const plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
  const all = operands(gpu, [1, 1, 1], [1, 1, 1]);
  return layersOf(gpu, all, (one) => plan.run(one));
}

/** Replays what plan.record() has bound. */
function recorded(gpu: Gpu): Layers {
  const shape = [1, 1, 1, DIM];
  const plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
  const all = operands(gpu, [1, 1, 1], [1, 1, 1]);
  const recordings = new Map(all.map((one) => [one, plan.record(one)]));
  const dispose = (): void => recordings.forEach((recording) => recording.dispose());
  return layersOf(gpu, all, (one) => recordings.get(one)!.replay(), dispose);
}

/** Calls attention(), which allocates its outputs. */
function dense(gpu: Gpu): Layers {
  const all = operands(gpu, [1, 1, 1], [1, 1, 1]);
  return layersOf(gpu, all, ({ q, k, v }) => attention(q, k, v).out.dispose());
}

const MOST_KEYS = 64;

/** Calls attention() over views of a cache that grow by a row per step. */
function growing(gpu: Gpu): Layers {
  const all = operands(gpu, [1, 1, 1], [1, 1, MOST_KEYS]);
  const steps = new Map(all.map((one) => [one, 0]));
  const call = (one: Operands): void => {
    const step = steps.get(one)!;
    const keys = 1 + (step % MOST_KEYS);
    steps.set(one, step + 1);
    const { q, k, v, out } = one;
    attention(q, k.slice(2, 0, keys), v.slice(2, 0, keys), { out });
  };
  return layersOf(gpu, all, call);
}

/** Calls varlenAttention() over page views. */
function paged(gpu: Gpu): Layers {
  const all = operands(gpu, [1, 1], [1, 1, 1]);
  // cuSeqlensQ, seqUsedK and blockTable lie in one buffer, as in a cache.
  const lists = gpu.tensor(Int32Array.of(0, 1, 1, 0), { shape: [4], dtype: 'i32' });
  const cuSeqlensQ = lists.slice(0, 0, 2);
  const seqUsedK = lists.slice(0, 2, 3);
  const blockTable = lists.slice(0, 3, 4).reshape([1, 1]);
  const facts = { maxSeqlenK: 1, pageSize: 1, format: 'f32', headDim: DIM, headDimV: DIM } as const;
  const views = new Map(
    all.map((one): [Operands, PagedKvView] => {
      const { k, v } = one;
      return [one, { k, v, blockTable, seqUsedK, ...facts }];
    }),
  );
  const call = (one: Operands): void => {
    varlenAttention(one.q, views.get(one)!, { cuSeqlensQ, out: one.out });
  };
  return layersOf(gpu, all, call, () => lists.dispose());
}

function layersOf(
  gpu: Gpu,
  all: readonly Operands[],
  call: (one: Operands) => void,
  dispose: () => void = () => {},
): Layers {
  return {
    call: (layer) => call(all[layer]!),
    batch: () => gpu.batch(() => all.forEach(call)),
    dispose: () => {
      for (const { q, k, v, out } of all) [q, k, v, out].forEach((tensor) => tensor.dispose());
      dispose();
    },
  };
}
