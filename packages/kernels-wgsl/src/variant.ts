/**
 * For makers of variants: attention with hooks of their own in place of those that options stand for, and the parts that
 * a kernel of theirs shares with attention's. Less settled than the main entry.
 */
export type { Call } from './api/call.ts';
export { fail, show } from '@heed/core/kernel';
export {
  checkCumulative,
  checkLengths,
  checkUsed,
  type GivenLengths,
  type Lengths,
} from './api/checks/lengths.ts';
export { type Differentiable, differentiable, type Forward } from './api/vjp.ts';
export { denseCall } from './api/dense-call.ts';
export { synonyms } from './api/meant.ts';
export { layoutNames, resultNames, sharedNames } from './api/option-names.ts';
export { varlenCall } from './api/varlen-call.ts';
export { isView, viewCall } from './api/view-call.ts';
export type { BoundHook } from './hooks/bound.ts';
export {
  allHooks,
  type Hook,
  type HookGradient,
  type MaskHook,
  type RowConstant,
  rowConstants,
  type ScoreHook,
  type VariantHooks,
  variantHooks,
} from './hooks/contract.ts';
export { checkProblem } from './plan/check.ts';
export { type AttentionPlan, makePlan } from './plan/make-plan.ts';
export { sharedProblemNames } from './plan/option-names.ts';
export { type AttentionTensors, layoutCall } from './plan/plan.ts';
export type { AllGradients, Gradients } from './run/backward.ts';
export { runCall } from './run/call.ts';
export { type BoundCaptures, bindCaptures } from './run/captures.ts';
export { type BoundLengths, bindLengths } from './run/lengths.ts';
export { recorderTarget, type Target } from './run/target.ts';
export type { DerivedWords, TablePlace, WordSource } from './run/word-source.ts';
export { blockParams, MADE_WORDS } from './wgsl/blocks.wgsl.ts';
export { none, tileClasses } from './wgsl/constants.wgsl.ts';
export { lengthsWgsl } from './wgsl/lengths.wgsl.ts';
export { packedTilesWgsl } from './wgsl/packed.wgsl.ts';
export {
  packParams,
  type ParamField,
  paramsStruct,
  type ParamValues,
  u32Fields,
} from './wgsl/params.ts';
export { diagonalWgsl, rowStruct, spanStruct } from './wgsl/row.wgsl.ts';
