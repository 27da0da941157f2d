import {
  type Budget,
  gradientBudget,
  headBudget,
  headSpread,
  largest,
  widened,
} from '../../budget/error-budgets.ts';
import { type Check, near, sameBits } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import type { FlexLaunchOptions, FlexProblem } from '../../problems/launch-flex.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { filled, generate, type NdArray } from '../../reference/nd-array.ts';
import { type FloatDType, toStorage } from '../../reference/number-types.ts';
import { referenceAttention } from '../../reference/reference-attention.ts';
import {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from '../../reference/reference-gradients.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { type CaseSpec, defineCase, type RunnableCase } from '../shared/case.ts';

/** The gradients that backward returns. */
const names = ['dq', 'dk', 'dv', 'dSinks', 'dAlibiSlopes', 'dScale', 'dSoftcap'] as const;

type Name = (typeof names)[number];

interface Expected {
  readonly want: Gradients;
  readonly budgets: Readonly<Partial<Record<Name, Budget>>>;
}

// Cached, because the reference is the slow part of most cases and one problem is launched in several ways.
const known = new WeakMap<ResultGradients, Map<string, Expected>>();

/** Storage types of q (and so of out), and of k and v. */
interface Storage {
  readonly q: FloatDType;
  readonly kv: FloatDType;
}

function expectedFor(problem: ReferenceProblem, by: ResultGradients, storage: Storage): Expected {
  const results = known.get(by) ?? new Map<string, Expected>();
  known.set(by, results);
  const key = `${storage.q} ${storage.kv}`;
  const result = results.get(key) ?? compute(problem, by, storage);
  results.set(key, result);
  return result;
}

function compute(problem: ReferenceProblem, by: ResultGradients, { q, kv }: Storage): Expected {
  const want = referenceGradients(problem, by);
  const naive = naiveGradients(problem, by, q);
  const state = referenceAttention(problem);
  const spread = headSpread(problem, state, by, q);
  const budgetOf = (name: Name, w: NdArray, n: NdArray): Budget =>
    name === 'dq' || name === 'dk' || name === 'dv'
      ? gradientBudget(w, n, name === 'dq' ? q : kv)
      : headBudget(w, n, spread[name]);
  const budgets = names.flatMap((name) => {
    const [w, n] = [want[name], naive[name]];
    return w === undefined || n === undefined ? [] : [[name, budgetOf(name, w, n)]];
  });
  return { want, budgets: Object.fromEntries(budgets) as Expected['budgets'] };
}

/** What else determines the budgets of gradients. */
interface Allowed {
  /** The error of the scoreMod. Weights and derivatives have the same relative error, so gradients about 4·error of the largest. */
  readonly scoreError?: number;
  /** Storage type of k and v; default that of q. */
  readonly kvDtype?: FloatDType;
}

/** Checks that gradients are within their budgets, and exactly 0 in rows that no sequence uses. */
export function areRight(
  label: string,
  got: Gradients,
  problem: ReferenceProblem,
  by: ResultGradients,
  dtype: FloatDType,
  { scoreError = 0, kvDtype = dtype }: Allowed = {},
): Check[] {
  const { want, budgets } = expectedFor(problem, by, { q: dtype, kv: kvDtype });
  const checks = names.flatMap((name) => {
    const [w, budget] = [want[name], budgets[name]];
    if (w === undefined || budget === undefined) return [];
    const g = got[name] ?? filled([0], 0);
    return [near(`${label}: ${name}`, g, w, widened(budget, 4 * scoreError * largest(w)))];
  });
  return [...checks, ...unusedAreZero(label, got, problem)];
}

/** Checks that rows that no sequence uses have gradient 0 (or −0, with a negative scale), not a small number. */
function unusedAreZero(label: string, got: Gradients, problem: ReferenceProblem): Check[] {
  const ones = {
    ...problem,
    q: alike(problem.q, 1),
    k: alike(problem.k, 1),
    v: alike(problem.v, 1),
  };
  const { q, k, v } = poisonUnused(ones, 0);
  const zeroed = ({ shape, data }: NdArray, used: NdArray): NdArray => ({
    shape,
    data: data.map((x, i) => (used.data[i] === 0 && x !== 0 ? 0 : x)),
  });
  return (
    [
      ['dq', q],
      ['dk', k],
      ['dv', v],
    ] as const
  ).map(([name, used]) =>
    sameBits(`${label}: ${name} of unused rows`, got[name], zeroed(got[name], used)),
  );
}

/** Checks that every gradient is equal bit for bit. */
export function sameGradients(label: string, got: Gradients, want: Gradients): Check[] {
  return names.flatMap((name) => {
    const [g, w] = [got[name], want[name]];
    return w === undefined ? [] : [sameBits(`${label}: ${name}`, g ?? filled([0], 0), w)];
  });
}

const alike = ({ shape }: NdArray, value: number): NdArray => filled(shape, value);

/** Heads and head dim of most groups, which therefore share kernels. */
export const base = { heads: [4, 2], dim: 16 } as const;

/** Builds a problem in a storage type. */
export type Build = (dtype: FloatDType) => ReferenceProblem | FlexProblem;

/** How a problem is run and judged. */
interface BackwardSpec extends Omit<CaseSpec, 'run'> {
  readonly launch?: FlexLaunchOptions;
  /** Adds dLse. */
  readonly lse?: boolean;
  /** Returns the value in unused memory; default NaN. */
  readonly poison?: (dtype: FloatDType) => number;
}

/** Declares a case that runs a problem forward and backward and checks every gradient. */
export function gradientCase(
  group: string,
  name: string,
  build: Build,
  { launch = {}, lse = false, poison = () => NaN, ...spec }: BackwardSpec = {},
): RunnableCase[] {
  return defineCase(group, name, {
    ...spec,
    async run(gpu, dtype) {
      const built = build(dtype);
      const problem = { ...built, ...poisonUnused(built, poison(dtype)) };
      const by = resultGradients(problem, dtype, { lse });
      const got = await launchBackward(gpu, problem, by, dtype, launch);
      const scoreError = 'scoreError' in problem ? problem.scoreError : 0;
      const { kvDtype = dtype } = launch;
      return areRight('backward', got, problem, by, dtype, { scoreError, kvDtype });
    },
  });
}

/** Returns one problem per layout. The packed one has sequences without queries or keys, and rows outside every sequence. */
export function layoutProblems(
  options: ReferenceOptions,
): Readonly<Record<'dense' | 'packed' | 'paged', Build>> {
  return {
    dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 41, options }),
    packed: (dtype) =>
      packedProblem({
        ...base,
        dtype,
        qLens: [40, 0, 9],
        kLens: [33, 5, 0],
        spareRows: [5, 5],
        options,
      }),
    paged: (dtype) =>
      pagedProblem({ ...base, dtype, qLens: [20, 3], used: [40, 19], pageSize: 7, options }),
  };
}

type Factors = Readonly<Record<'q' | 'k' | 'v', number>>;

/** Multiplies the inputs of a problem, and rounds them to the storage type. */
export function enlarged(
  problem: ReferenceProblem,
  dtype: FloatDType,
  factors: Factors,
): ReferenceProblem {
  const times = (x: NdArray, factor: number): NdArray =>
    generate(x.shape, (i) => toStorage(factor * x.data[i]!, dtype));
  const { q, k, v } = problem;
  return { ...problem, q: times(q, factors.q), k: times(k, factors.k), v: times(v, factors.v) };
}
