import type { Tunable } from '@heed/kernels-wgsl';
import type { Captures } from '../compile/types.ts';
import type { FlexProblem } from './options.ts';
import { variantOf } from './variant.ts';

/**
 * A problem with mods, for `tune` and `tuneCandidates` of `@heed/kernels-wgsl`. Its captures are used: tensors of the Gpu that is
 * tuned. The entry that comes of it serves every call whose mods compute the same, whatever their names, their text or the values of
 * their captures.
 *
 * @throws CompileError @throws ValidationError
 * @example
 * const problem = tunable({ layout: 'dense', q: [1, 8, 64, 64], k: [1, 8, 64, 64], maskMod: causal });
 * const tuning = await tune(gpu, [problem], { seconds: 5 });
 */
export function tunable<C extends Captures = {}>(problem: FlexProblem<C>): Tunable {
  const { sources: _, ...variant } = variantOf('tunable', problem);
  return variant;
}
