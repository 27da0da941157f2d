import { type Meant, type NamesOf } from '@heed/core/kernel';
import type { Captures } from '@heed/flex';
import { layoutNames, resultNames, sharedNames } from '@heed/kernels-wgsl/variant';
import type { GradcheckOptions } from './gradcheck/gradcheck.ts';
import type { GradcheckInputs } from './gradcheck/inputs.ts';
import type { RunOptions } from './runner.ts';
import type { Selection } from './select.ts';

export const selectionNames: NamesOf<Selection> = { filter: 1, tier: 1, dtype: 1, tag: 1 };

export const runNames: NamesOf<RunOptions> = { ...selectionNames, onProgress: 1, signal: 1 };

export const gradcheckNames: NamesOf<GradcheckOptions> = {
  tolerance: 1,
  elements: 1,
  step: 1,
  seed: 1,
};

export const inputNames: NamesOf<GradcheckInputs<Captures>> = {
  q: 1,
  k: 1,
  v: 1,
  scoreMod: 1,
  maskMod: 1,
  blockMask: 1,
  captures: 'data',
  grads: 1,
  ...sharedNames,
  ...layoutNames,
  ...resultNames,
};

/** What others call the options of a run. */
export const meantRun: Meant = () => ({
  cases: 'filter',
  only: 'filter',
  grep: 'filter',
  pattern: 'filter',
  tags: 'tag',
  full: "Pass tier: 'full'.",
  quick: "Pass tier: 'quick'.",
});
