import type { DType, Tensor } from '@heed/core';
import { type AttentionProblem, mergeStates, planAttention } from '@heed/kernels-wgsl';
import type { FloatDType } from '../../reference/number-types.ts';
import { type Bench, boundaryOf, type Rule } from './api-rule.ts';

const boundary = boundaryOf('mergeStates');

interface Change {
  readonly out?: readonly number[];
  readonly lse?: readonly number[];
  readonly outType?: DType;
  readonly lseType?: DType;
}

function state(b: Bench, change: Change): { out: Tensor; lse: Tensor } {
  const { out = [2, 4, 3, 64], lse = [2, 4, 3], outType = 'f32', lseType = 'f32' } = change;
  return { out: b.tensor(out, outType), lse: b.tensor(lse, lseType) };
}

function mergeAll(b: Bench, changes: readonly Change[]): unknown {
  const merged = mergeStates(changes.map((change) => state(b, change)));
  b.scope.own(merged.out);
  b.scope.own(merged.lse);
  return merged;
}

/** Merges a valid state with one that differs from it in one field. */
const withSound = (b: Bench, change: Change): unknown => mergeAll(b, [{}, change]);

/** The rules of `mergeStates`. */
const mergeRules: readonly Rule[] = [
  boundary(
    'count',
    /state/,
    (b, n) =>
      mergeAll(
        b,
        Array.from({ length: n }, () => ({})),
      ),
    [1, 2, 3],
    [0],
  ),
  boundary(
    'out-shape',
    /out/,
    (b, out) => withSound(b, { out }),
    [[2, 4, 3, 64]],
    [
      [2, 4, 3, 63],
      [2, 4, 4, 64],
      [8, 3, 64],
    ],
  ),
  boundary(
    'lse-shape',
    /lse/,
    (b, lse) => withSound(b, { lse }),
    [[2, 4, 3]],
    [
      [2, 4, 4],
      [2, 3, 4],
      [4, 3],
    ],
  ),
  boundary(
    'out-dtype',
    /out|dtype/,
    (b, outType: DType) => withSound(b, { outType }),
    ['f32'],
    ['f16', 'i32'],
  ),
  boundary(
    'lse-dtype',
    /lse/,
    (b, lseType: DType) => withSound(b, { lseType }),
    ['f32'],
    ['f16', 'i32'],
  ),
];

const planBoundary = boundaryOf('planAttention');
const runBoundary = boundaryOf('plan.run');

const control: AttentionProblem = { layout: 'dense', q: [2, 4, 3, 64], k: [2, 2, 5, 64] };

/** Plans the control problem with one change. */
const plan = (b: Bench, change: object) =>
  b.scope.own(planAttention(b.scope.gpu, { ...control, ...change }));
const field = (name: keyof AttentionProblem) => (b: Bench, value: unknown) =>
  plan(b, { [name]: value });

interface RunChange {
  readonly q?: readonly number[];
  readonly k?: readonly number[];
  readonly dtype?: FloatDType;
}

/** Runs the control plan on its tensors with one change. */
function run(b: Bench, change: RunChange): unknown {
  const { q = control.q, k = control.k, dtype = 'f32' } = change;
  const tensors = { q: b.tensor(q, dtype), k: b.tensor(k, dtype), v: b.tensor(k, dtype) };
  const { out } = plan(b, {}).run(tensors);
  return b.scope.own(out);
}

const length = (b: Bench, lq: number) => run(b, { q: [2, 4, lq, 64] });
const heads = (b: Bench, n: number) => run(b, { k: [2, n, 5, 64] });
const dims = (b: Bench, d: number) => run(b, { q: [2, 4, 3, d], k: [2, 2, 5, d] });
const type = (b: Bench, dtype: FloatDType) => run(b, { dtype });

/** The rules of `planAttention` and of `plan.run`: a run may change sizes and option values, but nothing that needs another kernel. */
const planRules: readonly Rule[] = [
  planBoundary('layout', /layout/, field('layout'), ['dense'], ['flat', '']),
  planBoundary(
    'q-rank',
    /\bq\b/,
    field('q'),
    [control.q],
    [
      [4, 3, 64],
      [1, 2, 4, 3, 64],
    ],
  ),
  planBoundary('head-dim-shared', /head ?dim/i, field('k'), [control.k], [[2, 2, 5, 63]]),
  planBoundary(
    'head-ratio',
    /multiple/,
    field('k'),
    [control.k],
    [
      [2, 3, 5, 64],
      [2, 0, 5, 64],
    ],
  ),
  planBoundary('dtype', /dtype/, field('dtype'), ['f32', 'f16', 'bf16'], ['i32', 'f64']),
  planBoundary('scale', /scale/, field('scale'), ['tensor', 'number', true], ['vector', 1]),
  planBoundary('softcap', /softcap/, field('softcap'), ['tensor', 'number', true], ['vector', 1]),
  runBoundary('length', /plan/, length, [3, 0, 300], []),
  runBoundary('head-ratio', /plan/, heads, [2], [1, 4]),
  runBoundary('head-dim', /plan/, dims, [64], [32]),
  runBoundary('dtype', /plan/, type, ['f32'], ['f16', 'bf16']),
];

/** The rules of `mergeStates`, `planAttention` and `plan.run`. */
export const mergeAndPlanRules: readonly Rule[] = [...mergeRules, ...planRules];
