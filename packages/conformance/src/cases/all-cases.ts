import { backwardDenseCases } from './backward/backward-dense-cases.ts';
import { backwardDropoutCases } from './backward/backward-dropout-cases.ts';
import { backwardLearnedCases } from './backward/backward-learned-cases.ts';
import { backwardLargeCases } from './backward/backward-large-cases.ts';
import { backwardMemoryCases } from './backward/backward-memory-cases.ts';
import { backwardMergeCases } from './backward/backward-merge-cases.ts';
import { backwardModCases } from './backward/backward-mod-cases.ts';
import { backwardOptionCases } from './backward/backward-option-cases.ts';
import { backwardPackedCases } from './backward/backward-packed-cases.ts';
import { backwardRepeatCases } from './backward/backward-repeat-cases.ts';
import { backwardSharedKvCases } from './backward/backward-shared-kv-cases.ts';
import { selectedGradientCases } from './backward/selected-gradient-cases.ts';
import { cacheAppendCases } from './cache/cache-append-cases.ts';
import { cacheKeepCases } from './cache/cache-keep-cases.ts';
import { cachePageCases } from './cache/cache-page-cases.ts';
import { cascadeCases } from './cache/cascade-cases.ts';
import { blockClassCases } from './flex/block-class-cases.ts';
import { blockMaskCases } from './flex/block-mask-cases.ts';
import { listedBlockCases } from './flex/listed-block-cases.ts';
import { flexEntryCases } from './flex/flex-entry-cases.ts';
import { flexLibraryCases } from './flex/flex-library-cases.ts';
import { flexModCases } from './flex/flex-mod-cases.ts';
import { flexSelectedCases } from './flex/flex-selected-cases.ts';
import { flexShapeCases } from './flex/flex-shape-cases.ts';
import { flexTableCases } from './flex/flex-table-cases.ts';
import { adapterCases } from './forward/adapter-cases.ts';
import { chunkedPrefillCases } from './forward/chunked-prefill-cases.ts';
import { dropoutCases } from './forward/dropout-cases.ts';
import { dtypeCases } from './forward/dtype-cases.ts';
import { gpuLengthCases } from './forward/gpu-length-cases.ts';
import { headCases } from './forward/head-cases.ts';
import { hostileLengthCases } from './forward/hostile-length-cases.ts';
import { invarianceCases } from './forward/invariance-cases.ts';
import { learnedCases } from './forward/learned-cases.ts';
import { lengthCases } from './forward/length-cases.ts';
import { lseCases } from './forward/lse-cases.ts';
import { maxCases } from './forward/max-cases.ts';
import { mergeCases } from './forward/merge-cases.ts';
import { optionCases } from './forward/option-cases.ts';
import { outCases } from './forward/out-cases.ts';
import { pageCases } from './forward/page-cases.ts';
import { planCases } from './forward/plan-cases.ts';
import { seqUsedCases } from './forward/seqused-cases.ts';
import { selectedKeyCases } from './forward/selected-key-cases.ts';
import { sharedKvCases } from './forward/shared-kv-cases.ts';
import { strideCases } from './forward/stride-cases.ts';
import { weightsCases } from './forward/weights-cases.ts';
import { windowCases } from './forward/window-cases.ts';
import { backwardFuzz, forwardFuzz } from './fuzz-cases.ts';
import { quantisedEntryCases } from './quantised/quantised-entry-cases.ts';
import { quantisedInvarianceCases } from './quantised/quantised-invariance-cases.ts';
import { quantisedPageCases } from './quantised/quantised-page-cases.ts';
import { topKeysCases } from './selected/top-keys-cases.ts';
import type { RunnableCase } from './shared/case.ts';
import { validationCases } from './validation/validation-cases.ts';
import { wideHeadCases } from './wide-head-cases.ts';

/** Every case, in running order: cheap preconditions first. */
export const allCases: readonly RunnableCase[] = [
  ...adapterCases,
  ...validationCases,
  ...lengthCases,
  ...windowCases,
  ...seqUsedCases,
  ...pageCases,
  ...quantisedPageCases,
  ...quantisedEntryCases,
  ...quantisedInvarianceCases,
  ...cacheAppendCases,
  ...cachePageCases,
  ...cacheKeepCases,
  ...cascadeCases,
  ...gpuLengthCases,
  ...hostileLengthCases,
  ...headCases,
  ...optionCases,
  ...selectedKeyCases,
  ...sharedKvCases,
  ...lseCases,
  ...maxCases,
  ...learnedCases,
  ...dropoutCases,
  ...weightsCases,
  ...mergeCases,
  ...invarianceCases,
  ...chunkedPrefillCases,
  ...strideCases,
  ...outCases,
  ...dtypeCases,
  ...forwardFuzz,
  ...planCases,
  ...topKeysCases,
  ...flexModCases,
  ...flexTableCases,
  ...flexLibraryCases,
  ...blockMaskCases,
  ...listedBlockCases,
  ...blockClassCases,
  ...flexEntryCases,
  ...flexShapeCases,
  ...flexSelectedCases,
  ...backwardDenseCases,
  ...backwardPackedCases,
  ...backwardMemoryCases,
  ...backwardSharedKvCases,
  ...backwardLargeCases,
  ...backwardOptionCases,
  ...backwardLearnedCases,
  ...backwardDropoutCases,
  ...backwardMergeCases,
  ...backwardModCases,
  ...backwardRepeatCases,
  ...selectedGradientCases,
  ...backwardFuzz,
  ...wideHeadCases,
];
