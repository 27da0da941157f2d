import type { DType, PagedKvView, Tensor } from '@heed/core';
import type { AttentionResult, Differentiable, Gradients } from '@heed/kernels-wgsl';
import {
  type AllGradients,
  type Call,
  differentiable,
  fail,
  type Forward,
  show,
} from '@heed/kernels-wgsl/variant';
import { modOf } from '../host/compiled-hook.ts';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { type FlexArguments, flexCall } from './flex-call.ts';
import {
  type AnyFlexOptions,
  type FlexOptions,
  flexVjpNames,
  type GradOptions,
} from './flex-options.ts';

const fn = 'flexAttentionVjp';

/** The gradients of flexAttention. */
export interface FlexGradients<
  C extends Captures = Captures,
  Name extends string = string,
> extends Gradients {
  /**
   * f32, by the names of the captures: the gradients of the float tensors that the scoreMod reads, or of those among `grads`, in
   * their shapes. Captures of bound mods have gradients too, under names that the types do not list.
   */
  readonly dCaptures: {
    readonly [K in keyof C as C[K] extends Tensor ? K & Name : never]: Tensor<'f32'>;
  } & Readonly<Record<string, Tensor<'f32'>>>;
}

/**
 * Computes `flexAttention` and provides its gradients with respect to q, k, v and the tables that the score mod reads, through
 * the score mod with its branches. A pair that a mod or a mask hides has gradient 0. Quantised pages have no gradient: an
 * UnsupportedError.
 *
 * @returns out and lse, and `backward(dOut, dLse?)`, which may be called more than once while q, k, v, out and lse are
 *   undisposed
 * @throws the errors of flexAttention
 * @example
 * const { out, backward } = flexAttentionVjp(q, k, v, { scoreMod: (score) => score * score });
 * const { dq, dk, dv } = backward(dOut);
 */
export function flexAttentionVjp<
  C extends Captures = {},
  D extends DType = DType,
  Name extends string = string,
>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>,
): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export function flexAttentionVjp<
  C extends Captures = {},
  D extends DType = DType,
  Name extends string = string,
>(
  q: Tensor<D>,
  view: PagedKvView,
  options?: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>,
): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export function flexAttentionVjp(
  ...args: FlexArguments
): AttentionResult<DType, true> & Differentiable<FlexGradients> {
  return flexDifferentiable(flexCall(fn, args, flexVjpNames));
}

/** Runs a checked call forward, and keeps the states that its backward needs. */
export function flexDifferentiable(
  call: Call,
  forward?: Forward,
): AttentionResult<DType, true> & Differentiable<FlexGradients> {
  const names = gradNames(call.options, call);
  const named = ({ tables, ...gradients }: AllGradients): FlexGradients => ({
    ...gradients,
    dCaptures: Object.fromEntries(
      [...names].map(([table, name]) => [name, tables[table] as Tensor<'f32'>]),
    ),
  });
  return differentiable(call, names.size > 0, named, forward);
}

/** Returns the names of the score mod's tables that get a gradient, by the indices of the tables. */
function gradNames({ grads }: AnyFlexOptions & GradOptions, call: Call): Map<number, string> {
  const hook = call.hooks.find((bound) => bound.hook.kind === 'score' && modOf(bound.hook))?.hook;
  const read = new Set(
    hook?.kind === 'score' ? hook.gradient!.reads.map(({ table }) => table) : [],
  );
  const tables = (hook && modOf(hook)?.tables) ?? [];
  const names = new Map(
    tables.filter(({ index }) => read.has(index)).map(({ index, name }) => [index, name]),
  );
  if (grads !== undefined && !Array.isArray(grads)) {
    fail(fn, 'grads must be a list of names', show(grads), 'Leave grads out for all of them.');
  }
  for (const name of grads ?? []) {
    if ([...names.values()].includes(name)) continue;
    const known = [...names.values()].join(', ') || 'none';
    fail(
      fn,
      `grads must name float tensors that the scoreMod reads (${known})`,
      show(name),
      'Leave grads out for all of them.',
    );
  }
  return new Map([...names].filter(([, name]) => !grads || grads.includes(name)));
}
