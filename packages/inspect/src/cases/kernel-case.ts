import type { Gpu } from '@heed/core';
import { planFlexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { relativeBias } from '@heed/flex/mods';
import { type AttentionPlan, type AttentionProblem, planAttention } from '@heed/kernels-wgsl';

/** A call whose kernels are compiled. */
export interface KernelCase {
  readonly name: string;
  /** The tile path to force; by default heed chooses. */
  readonly path?: string;
  readonly problem: AttentionProblem;
  /** Adds a relative bias by a score function, with its table. */
  readonly hasBias?: boolean;
}

/** A call without a plan. All kernels that it dispatches first are its. */
export interface CallCase {
  readonly name: string;
  readonly call: (gpu: Gpu) => void;
}

type Plan = Disposable & Pick<AttentionPlan, 'warmup' | 'describe'>;

/**
 * Makes the plan of a case.
 * @throws UnsupportedError this GPU cannot run the forced path
 */
export function planOfCase(gpu: Gpu, { problem, hasBias = false }: KernelCase): Plan {
  if (!hasBias) return planAttention(gpu, problem);
  const maxDistance = 128;
  const bias = gpu.empty([problem.q[1]!, 2 * maxDistance + 1]);
  const { causal: isCausal, ...shapes } = problem;
  return planFlexAttention(gpu, {
    ...shapes,
    ...(isCausal && { maskMod: causal }),
    scoreMod: relativeBias,
    captures: { bias, maxDistance },
  });
}
