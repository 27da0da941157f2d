export {
  type CompiledFunction,
  compileMod,
  type CompileOptions,
  type ModDerivative,
} from './compile/compile-mod.ts';
export { andMasks, bind, notMask, orMasks } from './compile/compose.ts';
export { f32, i32 } from './compile/fixed-number.ts';
export type { Captured, Captures, MaskMod, ScoreMod, SeqInfo, Table } from './compile/types.ts';
export type { JsMod } from './compile/twin.ts';
