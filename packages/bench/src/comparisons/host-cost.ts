import type { Gpu } from '@heed/core';
import type { Contestant } from './comparison.ts';
import { dense, paged, planned } from './heed-layers.ts';
import { LAYERS, type Layers } from './layers.ts';
import { rawLayers } from './raw-layers.ts';

const DISPATCHES = 10 * LAYERS;
// Time for the GPU to fall idle again, as it does between the steps of a model: a driver that still has work takes more
// of it without being woken, in a third of the time.
const REST_MS = 0.1;

interface Way {
  readonly name: string;
  readonly how: string;
  readonly layers: (gpu: Gpu) => Layers;
}

/**
 * What a dispatch costs the host, over one query and one key, so that the GPU is idle. The times of a run are those of a
 * thousand dispatches: a millisecond stands for a microsecond of one.
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

/** @param step makes so many dispatches */
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
  { name: 'attention', how: 'attention(q, k, v).out.dispose()', layers: dense },
  { name: 'varlenAttention', how: 'varlenAttention(q, view, { cuSeqlensQ, out })', layers: paged },
];
