export { flexAttention } from './api/flex-attention.ts';
export { flexAttentionVjp, type FlexGradients } from './api/flex-attention-vjp.ts';
export type { FlexOptions, FlexProblem, FlexTensors, GradOptions } from './api/flex-options.ts';
export { type FlexTopKeysOptions, topKeys } from './api/flex-top-keys.ts';
export {
  attentionWeights,
  type FlexKeyMassOptions,
  type FlexWeightsOptions,
  keyMass,
} from './api/flex-weights.ts';
export { planFlexAttention, tunable } from './api/flex-plan.ts';
export { BlockMask, createBlockMask } from './api/block-mask.ts';
export type {
  BlockListOptions,
  BlockMaskOptions,
  CallerLists,
  DocumentOptions,
  PictureOptions,
} from './host/block-mask-options.ts';
export type { BlockClasses } from './host/block-readback.ts';
export {
  type CompiledFunction,
  compileMod,
  type CompileOptions,
  type JsMod,
  type ModDerivative,
  type ModTwin,
  type TwinCaptures,
} from './text/compile/compile-mod.ts';
export { andMasks, bind, notMask, orMasks } from './text/compile/compose.ts';
export { f32, i32 } from './text/compile/fixed-number.ts';
export type { PrecompiledMod } from './text/compile/precompiled.ts';
export type { NestedArray } from './text/backends/twin.ts';
export type {
  AllOf,
  AnyMod,
  Captured,
  Captures,
  MaskMod,
  NeedsCaptures,
  ScoreMod,
  SeqInfo,
  Table,
} from './text/compile/mod-types.ts';
