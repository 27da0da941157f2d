import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { attention, planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { LAYERS, type Layers } from './layers.ts';

const DIM = 64;

interface Operands {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly out: Tensor;
}

function operands(gpu: Gpu, q: readonly number[], k: readonly number[]): Operands[] {
  const queries = gpu.tensor(new Float32Array(DIM), { shape: [...q, DIM] });
  const keys = (): Tensor => gpu.tensor(new Float32Array(DIM), { shape: [...k, DIM] });
  return Array.from({ length: LAYERS }, () => {
    const out = gpu.empty([...q, DIM]);
    return { q: queries, k: keys(), v: keys(), out };
  });
}

/** plan.run() into outputs that are kept. */
export function planned(gpu: Gpu): Layers {
  const shape = [1, 1, 1, DIM];
  const plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
  const all = operands(gpu, [1, 1, 1], [1, 1, 1]);
  return layersOf(gpu, all, (one) => plan.run(one));
}

/** attention() into outputs of its own. */
export function dense(gpu: Gpu): Layers {
  const all = operands(gpu, [1, 1, 1], [1, 1, 1]);
  return layersOf(gpu, all, ({ q, k, v }) => attention(q, k, v).out.dispose());
}

/** varlenAttention() over page views. */
export function paged(gpu: Gpu): Layers {
  const all = operands(gpu, [1, 1], [1, 1, 1]);
  // cuSeqlensQ, seqUsedK and blockTable side by side, as a cache lays them out.
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
