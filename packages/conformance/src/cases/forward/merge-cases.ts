import type { Gpu } from '@heed/core';
import { mergeStates } from '@heed/kernels-wgsl';
import { expected } from '../../budget/error-budgets.ts';
import { type Check, sameRun, withinBudget } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem } from '../../problems/build-problem.ts';
import { download, Scope, uploadArray } from '../../problems/case-tensors.ts';
import { launch } from '../../problems/launch-problem.ts';
import { filled, sliceAxis } from '../../reference/nd-array.ts';
import { type FloatDType, toStorage } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import {
  naiveAttention,
  naiveMerge,
  referenceAttention,
  referenceMerge,
} from '../../reference/reference-attention.ts';
import type { AttentionState, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';

async function merge(
  gpu: Gpu,
  states: readonly AttentionState[],
  dtype: FloatDType,
): Promise<AttentionState> {
  const scope = new Scope(gpu);
  try {
    const tensors = states.map((s) => ({
      out: uploadArray(scope, s.out, dtype),
      lse: uploadArray(scope, s.lse, 'f32'),
    }));
    const merged = mergeStates(tensors);
    if (!tensors.some((t) => t.out === merged.out)) {
      scope.own(merged.out);
      scope.own(merged.lse);
    }
    return { out: await download(merged.out), lse: await download(merged.lse, 'lse') };
  } finally {
    scope.dispose();
  }
}

/** Merges attention over disjoint key sets on the GPU, and checks it against attention over their union. */
async function mergeParts(
  gpu: Gpu,
  dtype: FloatDType,
  whole: ReferenceProblem,
  parts: readonly ReferenceProblem[],
): Promise<Check[]> {
  const runs: AttentionState[] = [];
  for (const part of parts) runs.push(await launch(gpu, part, dtype));
  const naive = naiveMerge(parts.map((part) => stored(naiveAttention(part), dtype)));
  const want = expected(referenceAttention(whole), naive, dtype);
  return withinBudget('merged', await merge(gpu, runs, dtype), want);
}

function stored({ out, lse }: AttentionState, dtype: FloatDType): AttentionState {
  return {
    out: { shape: out.shape, data: out.data.map((x) => toStorage(x, dtype)) },
    lse,
  };
}

/** Restricts a problem to keys start…end−1 without moving the diagonal. */
function keys(
  whole: ReferenceProblem,
  start: number,
  end: number,
  options: ReferenceProblem['options'],
): ReferenceProblem {
  return {
    ...whole,
    k: sliceAxis(whole.k, 2, start, end),
    v: sliceAxis(whole.v, 2, start, end),
    options,
  };
}

/** The causal triangle is a band of `band + 1` keys merged with all keys before it. */
const localAndGlobal = [3, 31, 64].flatMap((band) =>
  defineCase('merge', `local-${band}-and-global`, {
    tags: ['browser'],
    run(gpu, dtype) {
      const n = 100;
      const whole = denseProblem({ dtype, lq: n, options: { causal: true } });
      const local = { ...whole, options: { window: [band, 0] as const } };
      const global = keys(whole, 0, n - band - 1, { causal: true });
      return mergeParts(gpu, dtype, whole, [global, local]);
    },
  }),
);

const sinks = normal([4], random(5), 'f32');

const keyHalves = defineCase('merge', 'three-key-ranges-sinks-in-one', {
  run(gpu, dtype) {
    const whole = denseProblem({ dtype, batch: 2, lq: 9, lk: 100, options: { sinks } });
    const parts = [
      keys(whole, 0, 40, {}),
      keys(whole, 40, 41, { sinks }),
      keys(whole, 41, 100, {}),
    ];
    return mergeParts(gpu, dtype, whole, parts);
  },
});

/** Sequences of different used lengths: some parts are empty for some rows. */
const packed = defineCase('merge', 'packed-with-empty-parts', {
  bf16Tier: 'quick',
  async run(gpu, dtype) {
    const spec = { dtype, qLens: [3, 1, 20], kLens: [40, 40, 40] };
    const a = packedProblem({ ...spec, used: [0, 40, 0], seed: 1 });
    const b = packedProblem({ ...spec, used: [17, 0, 0], seed: 2 });
    const parts = [a, b];
    const naive = naiveMerge(parts.map((part) => stored(naiveAttention(part), dtype)));
    const want = expected(referenceMerge(parts.map(referenceAttention)), naive, dtype);
    const runs = [await launch(gpu, a, dtype), await launch(gpu, b, dtype)];
    return withinBudget('merged', await merge(gpu, runs, dtype), want);
  },
});

const shape = [2, 4, 5, 64];
const nothing: AttentionState = {
  out: filled(shape, 0),
  lse: filled(shape.slice(0, 3), -Infinity),
};

const bothEmpty = defineCase('merge', 'empty-with-empty', {
  tags: ['browser'],
  run: async (gpu, dtype) =>
    sameRun('nothing', await merge(gpu, [nothing, nothing], dtype), nothing),
});

/** Merging with the empty state on either side changes nothing, and a single state is returned as it is. */
const neutral = defineCase('merge', 'empty-is-neutral', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const state = await launch(gpu, denseProblem({ dtype, batch: 2, lq: 5, lk: 40 }), dtype);
    const want = expected(state, naiveMerge([state, nothing]), dtype);
    return [
      ...withinBudget('state, empty', await merge(gpu, [state, nothing], dtype), want),
      ...withinBudget('empty, state', await merge(gpu, [nothing, state], dtype), want),
      ...sameRun('alone', await merge(gpu, [state], dtype), state),
    ];
  },
});

/** Values of lse far apart and far from 0: weights round to 0 or 1, and no exp overflows. */
const extremes = defineCase('merge', 'extreme-lse', {
  async run(gpu, dtype) {
    const source = random(9);
    const make = (lse: number): AttentionState => ({
      out: normal(shape, source, dtype),
      lse: filled(shape.slice(0, 3), lse),
    });
    const checks: Check[] = [];
    for (const [a, b] of [
      [1000, -1000],
      [-3e4, -3e4 + 1],
      [5e4, 5e4],
      [88, 89],
    ] as const) {
      const states = [make(a), make(b)];
      const want = expected(referenceMerge(states), naiveMerge(states), dtype);
      checks.push(...withinBudget(`lse ${a} and ${b}`, await merge(gpu, states, dtype), want));
    }
    return checks;
  },
});

export const mergeCases: readonly RunnableCase[] = [
  ...localAndGlobal,
  ...keyHalves,
  ...packed,
  ...bothEmpty,
  ...neutral,
  ...extremes,
];
