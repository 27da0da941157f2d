/**
 * Entry for authors of attention variants. A variant passes its own hooks in place of the hooks made from the options, and
 * reuses the WGSL parts of attention's kernels. Less stable than the main entry.
 */
export { fail, isPagedView as isView, show } from '@heed/core/kernel';
export {
  layoutNames,
  resultNames,
  sharedNames,
  synonyms,
  variantNames,
} from './api/attention-names.ts';
export { checkCumulative, checkLengths, checkUsed } from './api/check-lengths.ts';
export { denseCall } from './api/dense-call.ts';
export { indexerCall, type IndexerOptions } from './api/indexer-call.ts';
export { indexerNames, indexerSynonyms } from './api/top-keys.ts';
export { runTopKeys } from './host/key-lists.ts';
export { type Differentiable, differentiable, type Forward } from './api/differentiable.ts';
export { varlenCall } from './api/varlen-call.ts';
export { viewCall } from './api/view-call.ts';
export type { Call } from './host/attention-call.ts';
export type { GivenLengths, Lengths } from './host/options/seq-used-k.ts';
export type { AllGradients, Gradients } from './host/backward-pass.ts';
export type { BoundHook } from './host/options/attention-option.ts';
export {
  type LseOption,
  type RowsOption,
  weightsCall,
  withoutIgnored,
} from './api/weights-call.ts';
export { runCall } from './host/forward-pass.ts';
export { keySums, rowWeights } from './host/pair-weights.ts';
export {
  type DerivedWords,
  recorderTarget,
  type TablePlace,
  type Target,
  type WordSource,
} from './host/launch-target.ts';
export {
  bindCaptures,
  bindLengths,
  type BoundCaptures,
  type BoundLengths,
} from './host/packed-words.ts';
export { type AttentionTensors, checkProblem } from './plan/attention-problem.ts';
export { type AttentionPlan, makePlan } from './plan/make-plan.ts';
export { layoutCall } from './plan/plan-attention.ts';
export { sharedProblemNames } from './plan/problem-names.ts';
export { tileClasses } from './text/parts/block-range.wgsl.ts';
export { forcedPaths } from './select/selection.ts';
export type { TilePath } from './text/tiles/tile-paths.ts';
export {
  allHooks,
  type DropHook,
  type Hook,
  type HookGradient,
  type MaskHook,
  type RowConstant,
  rowConstants,
  type ScoreHook,
  type VariantHooks,
  variantHooks,
} from './text/parts/hook.ts';
export { lengthsPart } from './text/parts/lengths.wgsl.ts';
export { packedTilesWgsl } from './text/parts/packed-rows.wgsl.ts';
export { blockParams, MADE_WORDS } from './text/parts/mask-blocks.wgsl.ts';
export { type ComposedKernel, composeKernel, type KernelPart } from './text/parts/kernel-parts.ts';
export {
  none,
  packParams,
  type ParamField,
  type ParamValues,
  u32Fields,
} from './text/parts/params.ts';
export { diagonalPart, rowStruct, spanStruct } from './text/parts/query-rows.wgsl.ts';
export type { TileShape } from './text/parts/kinds.ts';
export type { AnyTile } from './text/tiles/kernel-config.ts';
export { gradientWorkgroups, tileShape } from './text/tiles/tile-paths.ts';
