import { type Meant, optionsOf } from '@heed/core/kernel';
import { meantHere, synonyms } from '../api/meant.ts';
import { layoutNames } from '../api/option-names.ts';

/** What is not of a problem: lengths are data of a run. */
export const meantByProblem: Meant = () => ({
  ...synonyms,
  alibislopes: 'alibi',
  heads: 'The shapes of q and k tell the heads.',
  ...optionsOf('planFlexAttention() of @heed/flex', { scoreMod: 1, maskMod: 1, blockMask: 1 }),
  ...optionsOf('plan.run()', { ...layoutNames, scale: 1, align: 1, out: 1 }),
});

export const meantByTensors: Meant = () => ({
  ...meantHere(),
  ...optionsOf("a plan with layout 'varlen' or 'paged'", layoutNames),
});
