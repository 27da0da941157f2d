import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import { attentionNames, layoutNames, meantHere, synonyms } from '../api/attention-names.ts';
import type { AttentionOptions } from '../host/attention-options.ts';
import type { AttentionProblem, AttentionTensors } from './attention-problem.ts';

/** The sizes and types of a problem, and what any attention may have. */
export const sharedProblemNames: NamesOf<
  Omit<AttentionProblem, 'softcap' | 'alibi' | 'causal' | 'window'>
> = {
  layout: 1,
  dtype: 1,
  kvDtype: 1,
  q: 1,
  k: 1,
  v: 1,
  format: 1,
  headDim: 1,
  headDimV: 1,
  sequences: 1,
  sinks: 1,
  returnLse: 1,
  seqUsedK: 1,
  numSplits: 1,
  backward: 1,
};

export const problemNames: NamesOf<AttentionProblem> = {
  ...sharedProblemNames,
  softcap: 1,
  alibi: 1,
  causal: 1,
  window: 1,
};

type DenseTensors = AttentionOptions & Pick<AttentionTensors, 'q' | 'k' | 'v'>;

/** What a plan runs on where keys are dense; */
export const denseTensorNames: NamesOf<DenseTensors> = { q: 1, k: 1, v: 1, ...attentionNames };

/** and where they are packed or in pages. */
export const tensorNames: NamesOf<AttentionTensors> = {
  ...denseTensorNames,
  ...layoutNames,
};

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
