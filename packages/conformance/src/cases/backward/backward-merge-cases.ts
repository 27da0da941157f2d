import { mergeStates } from '@heed/kernels-wgsl';
import { expected, gradientBudget } from '../../budget/error-budgets.ts';
import { near, withinBudget } from '../../budget/output-checks.ts';
import { denseProblem } from '../../problems/build-problem.ts';
import { download, Scope } from '../../problems/case-tensors.ts';
import { backward, forward, resultGradients } from '../../problems/launch-backward.ts';
import { collect } from '../../problems/launch-problem.ts';
import { type FillList, type ListSpec, withLists } from '../../problems/selected-problem.ts';
import { extent, generate, type NdArray, sizeOf, sliceAxis } from '../../reference/nd-array.ts';
import { type FloatDType, toStorage } from '../../reference/number-types.ts';
import { permutation } from '../../reference/pseudo-random.ts';
import {
  naiveAttention,
  naiveMerge,
  referenceAttention,
} from '../../reference/reference-attention.ts';
import {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from '../../reference/reference-gradients.ts';
import type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from '../../reference/reference-problem.ts';
import { selectedOf } from '../../reference/selected-lists.ts';
import { sequencesOf } from '../../reference/sequences.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { base } from './gradient-case.ts';

const [batch, lq, nearKeys, farKeys] = [2, 9, 21, 37] as const;
const window = 6;

/** Attention to recent keys of one cache and to listed keys of another, and the one attention that both are together. */
interface Joined {
  readonly near: ReferenceProblem;
  readonly far: ReferenceProblem;
  readonly whole: ReferenceProblem;
}

/** Distinct keys or blocks in any order, and gaps. Some rows have none. */
const distinct: FillList = (list, keys, source, row) => {
  const order = permutation(keys, source);
  list.forEach((_, n) => (list[n] = row % 7 === 2 || n % 4 === 1 ? -1 : (order[n] ?? -1)));
};

function joined(dtype: FloatDType, lists: ListSpec, options: ReferenceOptions): Joined {
  const plain = denseProblem({ ...base, dtype, batch, lq, lk: nearKeys + farKeys });
  const part = (start: number, end: number, own: ReferenceOptions): ReferenceProblem => ({
    ...plain,
    k: sliceAxis(plain.k, 2, start, end),
    v: sliceAxis(plain.v, 2, start, end),
    options: own,
  });
  // Sinks are an option of one part only.
  const band = { causal: true, window: [window, 0] } as const;
  const recent = part(0, nearKeys, { ...options, ...band });
  const far = withLists(part(nearKeys, nearKeys + farKeys, {}), lists, distinct);
  const listed = new Set<string>();
  for (const sequence of sequencesOf(far)) {
    for (let h = 0; h < base.heads[0]; h++) {
      for (let i = 0; i < lq; i++) {
        for (const j of selectedOf(far, sequence, h, i) ?? []) {
          listed.add(`${sequence.index} ${h} ${i} ${j}`);
        }
      }
    }
  }
  const maskMod: ReferenceOptions['maskMod'] = (b, h, q, kv) => {
    const i = q - (nearKeys + farKeys - lq);
    if (kv >= nearKeys) return listed.has(`${b} ${h} ${i} ${kv - nearKeys}`);
    const distance = i + nearKeys - lq - kv;
    return distance >= 0 && distance <= window;
  };
  return { near: recent, far, whole: { ...plain, options: { ...options, maskMod } } };
}

/**
 * Returns the gradients with respect to the results of a part: out = Σ weight · part.out with weight = exp(part.lse − lse), so
 * dOut is weighed, and dLse is weight · (dOut·(part.out − out) + dLse).
 */
function resultsOf(
  part: AttentionState,
  whole: AttentionState,
  { dOut, dLse }: ResultGradients,
  dtype: FloatDType,
): ResultGradients {
  const width = extent(dOut, 3);
  const weights = generate(whole.lse.shape, (row) =>
    part.lse.data[row] === -Infinity ? 0 : Math.exp(part.lse.data[row]! - whole.lse.data[row]!),
  );
  const ofLse = generate(whole.lse.shape, (row) => {
    let sum = dLse!.data[row]!;
    for (let d = row * width; d < (row + 1) * width; d++) {
      sum += dOut.data[d]! * (part.out.data[d]! - whole.out.data[d]!);
    }
    return weights.data[row]! * sum;
  });
  return {
    dOut: generate(dOut.shape, (d) =>
      toStorage(weights.data[Math.floor(d / width)]! * dOut.data[d]!, dtype),
    ),
    dLse: ofLse,
  };
}

/** The gradients of the whole, from those of its parts: dq is their sum, dk and dv stand side by side. */
function together(a: Gradients, b: Gradients): Gradients {
  return {
    dq: { shape: a.dq.shape, data: a.dq.data.map((x, i) => x + b.dq.data[i]!) },
    dk: beside(a.dk, b.dk),
    dv: beside(a.dv, b.dv),
    ...(a.dSinks && { dSinks: a.dSinks }),
  };
}

/** Joins two arrays along their third axis. */
function beside(a: NdArray, b: NdArray): NdArray {
  const [first = 0, heads = 0, rows = 0, width = 0] = a.shape;
  const shape = [first, heads, rows + extent(b, 2), width];
  const data = new Float64Array(sizeOf(shape));
  const [sizeA, sizeB] = [rows * width, extent(b, 2) * width];
  for (let n = 0; n < first * heads; n++) {
    data.set(a.data.subarray(n * sizeA, (n + 1) * sizeA), n * (sizeA + sizeB));
    data.set(b.data.subarray(n * sizeB, (n + 1) * sizeB), n * (sizeA + sizeB) + sizeA);
  }
  return { shape, data };
}

const problems: Readonly<Record<string, readonly [ListSpec, ReferenceOptions]>> = {
  'window-and-selection': [{ heads: 1, entries: 12 }, {}],
  'window-with-sinks-and-blocks': [
    { heads: 2, entries: 5, blockSize: 4 },
    { sinks: generate([4], (h) => [1, -Infinity, -2, 4][h]!) },
  ],
};

/** A window of one cache, joined with a selection of another: forward, and backward through both parts. */
export const backwardMergeCases: readonly RunnableCase[] = Object.entries(problems).flatMap(
  ([name, [lists, options]]) =>
    defineCase('backward-merge', name, {
      f16Tier: 'full',
      tags: name === 'window-and-selection' ? ['browser'] : [],
      async run(gpu, dtype) {
        const { near: recent, far, whole } = joined(dtype, lists, options);
        const parts = [recent, far];
        const by = resultGradients(whole, dtype, { lse: true });
        const stored = ({ out, lse }: AttentionState): AttentionState => ({
          out: { shape: out.shape, data: out.data.map((x) => toStorage(x, dtype)) },
          lse,
        });
        const naiveStates = parts.map((part) => stored(naiveAttention(part)));
        const naiveWhole = naiveMerge(naiveStates);
        const [naiveNear, naiveFar] = parts.map((part, n) =>
          naiveGradients(part, resultsOf(naiveStates[n]!, stored(naiveWhole), by, dtype), dtype),
        ) as [Gradients, Gradients];
        const scope = new Scope(gpu);
        try {
          const calls = parts.map((part) => forward(scope, part, dtype));
          const merged = await collect(
            scope,
            mergeStates(calls.map(({ out, lse }) => ({ out, lse: lse! }))),
          );
          const got: Gradients[] = [];
          for (const call of calls) {
            const state = { out: await download(call.out), lse: await download(call.lse!, 'lse') };
            got.push(await backward(scope, call, resultsOf(state, merged, by, dtype), dtype));
          }
          const all = together(got[0]!, got[1]!);
          const naive = together(naiveNear, naiveFar);
          const want = referenceGradients(whole, by);
          return [
            ...withinBudget(
              'merged',
              merged,
              expected(referenceAttention(whole), naiveWhole, dtype),
            ),
            ...(['dq', 'dk', 'dv', 'dSinks'] as const).flatMap((gradient) => {
              const [g, w, n] = [all[gradient], want[gradient], naive[gradient]];
              return w && n ? [near(gradient, g!, w, gradientBudget(w, n, dtype))] : [];
            }),
          ];
        } finally {
          scope.dispose();
        }
      },
    }),
);
