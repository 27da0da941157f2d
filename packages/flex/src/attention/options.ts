import type { Tensor } from '@heed/core';
import type { AttentionOptions, AttentionProblem, VarlenLayout } from '@heed/kernels-wgsl';
import type { BlockMask } from '../block-mask/block-mask.ts';
import type { PrecompiledMod } from '../compile/precompiled.ts';
import type { Captures, MaskMod, ScoreMod } from '../compile/types.ts';

/** What `flexAttention` has in place of: a scoreMod, a maskMod. */
export type BuiltInVariants = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/**
 * What varies in a flexAttention. Order of application: q·k·scale → scoreMod → masks → softmax → sinks. With `cuSeqlensQ`
 * the layout is packed, as in `varlenAttention`.
 */
export interface FlexOptions<C extends Captures = never, Lse extends boolean = boolean>
  extends Omit<AttentionOptions<Lse>, BuiltInVariants>, Partial<VarlenLayout> {
  /** Changes the score of each pair; −Infinity hides it. */
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  /** Says which pairs are visible. Key tiles that its bounds prove hidden are not computed. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  /** A mask whose blocks were found beforehand. With a maskMod beside it, both must hold. */
  readonly blockMask?: BlockMask;
  /** Values that the mods read. Other values, the same kernel; integers and other numbers are two kinds. */
  readonly captures?: C;
}

/** Options of any captures, as they are looked at inside. */
export interface AnyFlexOptions extends Omit<FlexOptions, 'captures'> {
  readonly captures?: Captures;
}

/** Which captured tables are to have a gradient. */
export interface GradOptions<Name extends string = string> {
  /** Names of captures; default every float tensor that the scoreMod reads. */
  readonly grads?: readonly Name[];
}

type Mods<C extends Captures> = Pick<
  FlexOptions<C>,
  'scoreMod' | 'maskMod' | 'blockMask' | 'captures'
>;

/** What a plan is made for. Of the captures only their types matter: other values need no other plan. */
export interface FlexProblem<C extends Captures = never>
  extends Omit<AttentionProblem, BuiltInVariants | 'alibi'>, Mods<C>, GradOptions {}

/** What a plan runs on. Mods and captures are those of the problem, unless others of the same kind are given. */
export interface FlexTensors<C extends Captures = never> extends FlexOptions<C> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
