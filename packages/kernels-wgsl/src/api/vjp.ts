import type { Tensor } from '@heed/core';
import { checkTensor, formatShape } from '@heed/core/kernel';
import { type Gradients, runBackward } from '../run/backward.ts';
import { runCall } from '../run/call.ts';
import { recorderTarget } from '../run/target.ts';
import type { Call } from './call.ts';
import { fail } from './checks/fail.ts';
import type { AttentionResult } from './options.ts';

/** The gradient of a call: what a result's gradients are by q, k, v. */
export interface Differentiable<G> {
  /**
   * @param dOut gradient by out: its shape and dtype, any strides
   * @param dLse gradient by lse: its shape, f32
   */
  readonly backward: (dOut: Tensor, dLse?: Tensor) => G;
}

/** Runs a checked call forward, and keeps what its backward needs. */
export function differentiable(call: Call): AttentionResult & Differentiable<Gradients> {
  const { out, lse } = runCall({ ...call, options: { ...call.options, returnLse: true } });
  return {
    out,
    lse: lse!,
    backward: (dOut, dLse) => {
      const { gpu } = call;
      checkGradient(call, 'dOut', dOut, out);
      if (dLse) checkGradient(call, 'dLse', dLse, lse!);
      const state = { out, lse: lse!, dOut, dLse };
      return gpu.batch(() => runBackward(call, state, recorderTarget(gpu)));
    },
  };
}

function checkGradient({ fn, gpu }: Call, name: string, gradient: Tensor, of: Tensor): void {
  const backward = `${fn} backward`;
  checkTensor(backward, name, gradient, { rank: of.shape.length, dtype: [of.dtype], gpu });
  if (gradient.shape.every((n, i) => n === of.shape[i])) return;
  const rule = `${name} must be ${formatShape(of.shape)}`;
  fail(backward, rule, formatShape(gradient.shape), 'It is the gradient by that result.');
}
