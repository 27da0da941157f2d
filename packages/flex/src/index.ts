export { flexAttention } from './attention/flex-attention.ts';
export { flexAttentionVjp, type FlexGradients } from './attention/flex-attention-vjp.ts';
export type { FlexOptions, FlexProblem, FlexTensors, GradOptions } from './attention/options.ts';
export { planFlexAttention } from './attention/plan.ts';
export { tunable } from './attention/tunable.ts';
export { BlockMask } from './block-mask/block-mask.ts';
export { createBlockMask } from './block-mask/create-block-mask.ts';
export type { BlockMaskOptions, DocumentOptions, PictureOptions } from './block-mask/options.ts';
export type { BlockClasses } from './block-mask/read.ts';
export {
  type CompiledFunction,
  compileMod,
  type CompileOptions,
  type ModDerivative,
} from './compile/compile-mod.ts';
export { andMasks, bind, notMask, orMasks } from './compile/compose.ts';
export { f32, i32 } from './compile/fixed-number.ts';
export type { PrecompiledMod } from './compile/precompiled.ts';
export type { Captured, Captures, MaskMod, ScoreMod, SeqInfo, Table } from './compile/types.ts';
export type { JsMod } from './compile/twin.ts';
