import { type AttentionProblem, planAttention } from '@heed/kernels-wgsl';
import { type Bench, boundaryOf, type Rule } from './rule.ts';

const planBoundary = boundaryOf('planAttention');
const runBoundary = boundaryOf('plan.run');

const control: AttentionProblem = { layout: 'dense', q: [2, 4, 3, 64], k: [2, 2, 5, 64] };

/** A plan for the control problem with one thing changed. */
const plan = (b: Bench, change: object) =>
  b.scope.own(planAttention(b.scope.gpu, { ...control, ...change }));
const field = (name: keyof AttentionProblem) => (b: Bench, value: unknown) =>
  plan(b, { [name]: value });

interface RunChange {
  readonly q?: readonly number[];
  readonly k?: readonly number[];
  readonly dtype?: 'f32' | 'f16';
}

/** The control plan run on tensors that it was made for, with one thing changed. */
function run(b: Bench, change: RunChange): unknown {
  const { q = control.q, k = control.k, dtype = 'f32' } = change;
  const tensors = { q: b.tensor(q, dtype), k: b.tensor(k, dtype), v: b.tensor(k, dtype) };
  const { out } = plan(b, {}).run(tensors);
  return b.scope.own(out);
}

const length = (b: Bench, lq: number) => run(b, { q: [2, 4, lq, 64] });
const heads = (b: Bench, n: number) => run(b, { k: [2, n, 5, 64] });
const dims = (b: Bench, d: number) => run(b, { q: [2, 4, 3, d], k: [2, 2, 5, d] });
const type = (b: Bench, dtype: 'f32' | 'f16') => run(b, { dtype });

/** The rules of `planAttention` and of `plan.run`: any size and option value, but nothing that is another kernel. */
export const planRules: readonly Rule[] = [
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
  planBoundary('dtype', /dtype/, field('dtype'), ['f32', 'f16'], ['i32', 'f64']),
  runBoundary('length', /plan/, length, [3, 0, 300], []),
  runBoundary('head-ratio', /plan/, heads, [2], [1, 4]),
  runBoundary('head-dim', /plan/, dims, [64], [32]),
  runBoundary('dtype', /plan/, type, ['f32'], ['f16']),
];
