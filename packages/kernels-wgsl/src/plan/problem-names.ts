import { type Meant, type NamesOf, optionsOf } from '@heed/core/kernel';
import { attentionNames, layoutNames, meantHere, synonyms } from '../api/attention-names.ts';
import {
  type AttentionOptions,
  attentionOptions,
  flagNames,
  type OptionFlags,
} from '../host/attention-options.ts';
import type { AttentionProblem, AttentionTensors } from './attention-problem.ts';

const sizeNames: NamesOf<Omit<AttentionProblem, keyof OptionFlags>> = {
  layout: 1,
  dtype: 1,
  q: 1,
  k: 1,
  v: 1,
  format: 1,
  headDim: 1,
  headDimV: 1,
  selectedKeys: 1,
  selectedBlockSize: 1,
  sequences: 1,
  sharedKv: 1,
  numSplits: 1,
  backward: 1,
};

function flagsWhere(rule: (name: keyof OptionFlags) => boolean): NamesOf<OptionFlags> {
  return Object.fromEntries(
    flagNames.filter(rule).map((name) => [name, 1]),
  ) as NamesOf<OptionFlags>;
}

/** The sizes and types of a problem, and the flags of options that variants have too. */
export const sharedProblemNames: NamesOf<
  Omit<AttentionProblem, 'softcap' | 'alibiSlopes' | 'causal' | 'window'>
> = { ...sizeNames, ...flagsWhere((name) => !attentionOptions[name].isVariant) };

export const problemNames: NamesOf<AttentionProblem> = { ...sizeNames, ...flagsWhere(() => true) };

type DenseTensors = AttentionOptions & Pick<AttentionTensors, 'q' | 'k' | 'v'>;

/** Names of a run's tensors and options for dense keys. */
export const denseTensorNames: NamesOf<DenseTensors> = { q: 1, k: 1, v: 1, ...attentionNames };

/** Names of a run's tensors and options for packed or paged keys. */
export const tensorNames: NamesOf<AttentionTensors> = {
  ...denseTensorNames,
  ...layoutNames,
};

/** Suggestions for names that a problem does not have, such as lengths, which are data of a run. */
export const meantByProblem: Meant = () => ({
  ...synonyms,
  kvdtype: 'format',
  heads: 'The shapes of q and k tell the heads.',
  ...optionsOf('planFlexAttention() of @heed/flex', { scoreMod: 1, maskMod: 1, blockMask: 1 }),
  ...optionsOf('plan.run()', { ...layoutNames, align: 1, out: 1 }),
});

export const meantByTensors: Meant = () => ({
  ...meantHere(),
  ...optionsOf("a plan with layout 'varlen' or 'paged'", layoutNames),
});
