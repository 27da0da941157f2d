import type { Gpu, Tensor } from '@heed/core';
import { HEAD_DIM, HEADS, normal, WINDOW, windowK, windowQ } from './problem.ts';

/** Inputs of an attention. */
export interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

const windows = new WeakMap<Gpu, Inputs>();
const larger = new WeakMap<Gpu, { readonly tokens: number; readonly inputs: Inputs }>();

/** The heat map's inputs. The values are the identity, so the result of attention is the weights themselves. */
export function windowInputs(gpu: Gpu): Inputs {
  const known = windows.get(gpu);
  if (known) return known;
  const identity = new Float32Array(WINDOW * WINDOW);
  for (let i = 0; i < WINDOW; i++) identity[i * WINDOW + i] = 1;
  const made = {
    q: gpu.tensor(windowQ, { shape: [1, HEADS, WINDOW, HEAD_DIM], label: 'window q' }),
    k: gpu.tensor(windowK, { shape: [1, 1, WINDOW, HEAD_DIM], label: 'window k' }),
    v: gpu.tensor(identity, { shape: [1, 1, WINDOW, WINDOW], label: 'identity' }),
  };
  windows.set(gpu, made);
  return made;
}

/** Inputs of the problem that is timed; those of another size before it are freed. */
export function timedInputs(gpu: Gpu, tokens: number): Inputs {
  const known = larger.get(gpu);
  if (known?.tokens === tokens) return known.inputs;
  if (known) for (const tensor of Object.values(known.inputs) as Tensor[]) tensor.dispose();
  const inputs = {
    q: gpu.tensor(normal(HEADS * tokens * HEAD_DIM, 3), {
      shape: [1, HEADS, tokens, HEAD_DIM],
      label: 'q',
    }),
    k: gpu.tensor(normal(tokens * HEAD_DIM, 4), { shape: [1, 1, tokens, HEAD_DIM], label: 'k' }),
    v: gpu.tensor(normal(tokens * HEAD_DIM, 5), { shape: [1, 1, tokens, HEAD_DIM], label: 'v' }),
  };
  larger.set(gpu, { tokens, inputs });
  return inputs;
}
