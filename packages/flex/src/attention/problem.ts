import type { AttentionProblem } from '@heed/kernels-wgsl';
import type { Captures } from '../compile/types.ts';
import type { GradOptions } from './flex-attention-vjp.ts';
import type { BuiltInVariants, FlexOptions } from './options.ts';

type Mods<C extends Captures> = Pick<
  FlexOptions<C>,
  'scoreMod' | 'maskMod' | 'blockMask' | 'captures'
>;

/** What a plan is made for. Of the captures only their types matter: other values need no other plan. */
export interface FlexProblem<C extends Captures = never>
  extends Omit<AttentionProblem, BuiltInVariants | 'alibi'>, Mods<C>, GradOptions {}
