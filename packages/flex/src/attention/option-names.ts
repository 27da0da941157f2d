import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import {
  layoutNames,
  resultNames,
  sharedNames,
  sharedProblemNames,
  synonyms,
} from '@heed/kernels-wgsl/variant';
import type { Captures } from '../compile/types.ts';
import type { AnyFlexOptions, FlexProblem, FlexTensors, GradOptions } from './options.ts';

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

/** What a plan runs on. */
export const flexTensorNames = (layout: FlexProblem['layout']): NamesOf<FlexTensors<Captures>> =>
  layout === 'dense' ? (denseTensorNames as never) : packedTensorNames;

/** What stands here for the options of attention() that flexAttention has no need of. */
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

/** Of what a plan runs on. */
export const meantFlexTensors: Meant = () => ({
  ...meantFlex(),
  ...optionsOf("a plan with layout 'varlen' or 'paged'", layoutNames),
});

/** Of a problem, whose lengths are data of a run. */
export const meantFlexProblem: Meant = () => ({
  ...meantFlex(),
  alibi: meantFlex()['alibislopes']!,
  ...optionsOf('plan.run()', { ...layoutNames, scale: 1, align: 1, out: 1 }),
});
