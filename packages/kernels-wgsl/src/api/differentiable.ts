import { type DType, type Tensor, UnsupportedError } from '@heed/core';
import { checkTensor, fail, formatShape, isQuantised } from '@heed/core/kernel';
import type { Call, FloatCall } from '../host/attention-call.ts';
import type { AttentionResult } from '../host/attention-options.ts';
import { type AllGradients, type Gradients, runBackward } from '../host/backward-pass.ts';
import { type ForwardResult, runCall } from '../host/forward-pass.ts';
import { recorderTarget } from '../host/launch-target.ts';
import { withSeed } from '../host/options/dropout.ts';

/** The gradients of attention. */
export interface AttentionGradients extends Gradients {
  /** f32, in the shape of softcap, if that is a tensor. */
  readonly dSoftcap?: Tensor;
  /** f32, in the shape of alibiSlopes, where they are given. */
  readonly dAlibiSlopes?: Tensor;
}

/** The backward pass of a call, which returns the gradients with respect to its inputs. */
export interface Differentiable<G> {
  /**
   * Computes the gradients. May be called again while q, k, v, out and lse are undisposed and the view's sequences are unchanged.
   *
   * @param dOut gradient with respect to out, in its shape and dtype, any strides
   * @param dLse gradient with respect to lse, in its shape, f32
   */
  readonly backward: (dOut: Tensor, dLse?: Tensor) => G;
}

/** Runs a checked call forward; `keepsStates` keeps the row states that a backward pass reads. */
export type Forward = (call: Call, keepsStates?: boolean) => ForwardResult;

/**
 * Runs a checked call forward, and keeps the row states for its backward pass.
 * @param withTables whether to compute gradients with respect to the captured tables of the last score hook
 * @param name maps all gradients to the named result of `backward`
 * @param forward runs the forward pass; default: with the kernel selected for the call's problem
 */
export function differentiable<G>(
  call: Call,
  withTables: boolean,
  name: (gradients: AllGradients) => G,
  forward: Forward = runCall,
): AttentionResult<DType, true> & Differentiable<G> {
  checkDifferentiable(call);
  const { out, lse, max, states, seed } = forward(call, true);
  const kept = seed ? { ...call, hooks: withSeed(call.hooks, call.options.dropout!, seed) } : call;
  return {
    out,
    lse: lse!,
    ...(max && { max }),
    backward: (dOut, dLse) => {
      const { fn, gpu } = call;
      // This getter throws if the view's sequences have changed: its blockTable then differs from the forward pass's.
      void call.view?.blockTable;
      checkTensor(`${fn} backward`, 'out', out);
      checkTensor(`${fn} backward`, 'lse', lse);
      checkGradient(call, 'dOut', dOut, out);
      if (dLse !== undefined) checkGradient(call, 'dLse', dLse, lse!);
      const state = { out, lse: lse!, states: states!, dOut, dLse };
      return name(gpu.batch(() => runBackward(kept, state, recorderTarget(gpu), withTables)));
    },
  };
}

/** `differentiable` for the built-in options: the table of the last score hook, if any, is ALiBi's slopes. */
export function attentionDifferentiable<D extends DType>(
  call: Call,
  forward?: Forward,
): AttentionResult<D, true> & Differentiable<AttentionGradients> {
  const hasSlopes = call.options.alibiSlopes !== undefined;
  const name = ({ tables, ...gradients }: AllGradients): AttentionGradients => ({
    ...gradients,
    ...(tables[0] && { dAlibiSlopes: tables[0] }),
  });
  return differentiable(call, hasSlopes, name, forward) as AttentionResult<D, true> &
    Differentiable<AttentionGradients>;
}

/** @throws UnsupportedError quantised pages, or a score hook without a gradient */
export function checkDifferentiable(call: Call): asserts call is FloatCall {
  const { fn, hooks, kvDtype, vDtype } = call;
  if (isQuantised(kvDtype)) {
    throw new UnsupportedError(
      `${fn}: ${kvDtype} pages are not differentiable: their values are rounded to integers. Use f32, f16 or bf16 pages.`,
    );
  }
  if (vDtype) {
    throw new UnsupportedError(
      `${fn}: keys in ${kvDtype} and values in ${vDtype} are not differentiable. Use one format for both.`,
    );
  }
  if (hooks.every(({ hook }) => hook.kind !== 'score' || hook.gradient)) return;
  throw new UnsupportedError(`${fn}: a score hook without a gradient. Give it one.`);
}

function checkGradient({ fn, gpu }: Call, name: string, gradient: Tensor, of: Tensor): void {
  const backward = `${fn} backward`;
  checkTensor(backward, name, gradient, { rank: of.shape.length, dtype: [of.dtype], gpu });
  if (gradient.shape.every((n, i) => n === of.shape[i])) return;
  const rule = `${name} must be ${formatShape(of.shape)}`;
  fail(
    backward,
    rule,
    formatShape(gradient.shape),
    'Pass the gradient with respect to that result.',
  );
}
