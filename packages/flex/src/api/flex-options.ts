import type { Tensor } from '@heed/core';
import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import type { AttentionOptions, AttentionProblem, VarlenLayout } from '@heed/kernels-wgsl';
import {
  layoutNames,
  resultNames,
  sharedNames,
  sharedProblemNames,
  synonyms,
} from '@heed/kernels-wgsl/variant';
import type { Captures, MaskMod, ScoreMod } from '../text/compile/mod-types.ts';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';
import type { BlockMask } from './block-mask.ts';

/** Options of `attention` that `flexAttention` replaces by a scoreMod or a maskMod. */
type BuiltInVariants = 'causal' | 'window' | 'softcap' | 'alibiSlopes';

/**
 * Options of `flexAttention`. Order of application: q·k·scale → scoreMod → masks → softmax → sinks. With `cuSeqlensQ` the
 * layout is packed, as in `varlenAttention`.
 */
export interface FlexOptions<C extends Captures = never, Lse extends boolean = boolean>
  extends Omit<AttentionOptions<Lse>, BuiltInVariants>, Partial<VarlenLayout> {
  /** Changes the score of each pair; −Infinity hides the pair. */
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  /** Returns whether a pair is visible. Key tiles that its bounds prove hidden are not computed. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  /** A mask whose blocks were classified beforehand. With a maskMod as well, both must hold. */
  readonly blockMask?: BlockMask;
  /** Values that the mods read. Other values use the same kernel, but an integer and a fraction are different kinds. */
  readonly captures?: C;
}

/** Options whose captures have any types, for use inside the package. */
export interface AnyFlexOptions extends Omit<FlexOptions, 'captures'> {
  readonly captures?: Captures;
}

/** The captured tables that get a gradient. */
export interface GradOptions<Name extends string = string> {
  /** Names of captures; default every float tensor that the scoreMod reads. */
  readonly grads?: readonly Name[];
}

type Mods<C extends Captures> = Pick<
  FlexOptions<C>,
  'scoreMod' | 'maskMod' | 'blockMask' | 'captures'
>;

/** The problem of a plan. Of the captures only the types matter: other values need no other plan. */
export interface FlexProblem<C extends Captures = never>
  extends Omit<AttentionProblem, BuiltInVariants>, Mods<C>, GradOptions {}

/** The tensors of a run. Mods and captures of the problem are used, unless others of the same kinds are given. */
export interface FlexTensors<C extends Captures = never> extends FlexOptions<C> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

const modNames = { scoreMod: 1, maskMod: 1, blockMask: 1, captures: 'data' } as const;

export const flexNames: NamesOf<AnyFlexOptions> = {
  ...modNames,
  ...sharedNames,
  ...layoutNames,
  ...resultNames,
};

export const flexVjpNames: NamesOf<AnyFlexOptions & GradOptions> = { ...flexNames, grads: 1 };

export const flexProblemNames: NamesOf<FlexProblem<Captures>> = {
  ...sharedProblemNames,
  ...modNames,
  grads: 1,
};

const denseTensorNames = {
  q: 1,
  k: 1,
  v: 1,
  ...modNames,
  ...sharedNames,
  ...resultNames,
} as const;

const packedTensorNames: NamesOf<FlexTensors<Captures>> = { ...denseTensorNames, ...layoutNames };

/** Returns the names of the tensors and options of a run. */
export const flexTensorNames = (layout: FlexProblem['layout']): NamesOf<FlexTensors<Captures>> =>
  layout === 'dense' ? (denseTensorNames as never) : packedTensorNames;

/** Suggestions for options that flexAttention does not have, among them options of attention(). */
export const meantFlex: Meant = () => ({
  ...synonyms,
  causal: 'Pass maskMod: causal from @heed/flex/masks, or call attention().',
  window:
    'Pass maskMod: bind(slidingWindow, { window }) from @heed/flex/masks, or call attention().',
  softcap: 'Pass scoreMod: bind(softcap, { cap }) from @heed/flex/mods, or call attention().',
  alibislopes: 'Pass scoreMod: bind(alibi, { slopes }) from @heed/flex/mods, or call attention().',
  mod: 'scoreMod',
  scorefunction: 'scoreMod',
  maskfn: 'maskMod',
  enablegqa: 'No flag is needed: pass k and v with fewer heads.',
  ...optionsOf('createBlockMask()', { blockSize: 1 }),
  ...optionsOf('flexAttentionVjp()', { grads: 1 }),
});

/** Suggestions for the tensors and options of a run. */
export const meantFlexTensors: Meant = () => ({
  ...meantFlex(),
  ...optionsOf("a plan with layout 'varlen' or 'paged'", layoutNames),
});

/** Suggestions for the options of a problem. Lengths are data of a run. */
export const meantFlexProblem: Meant = () => ({
  ...meantFlex(),
  alibi: meantFlex()['alibislopes']!,
  ...optionsOf('plan.run()', { ...layoutNames, align: 1, out: 1 }),
});
