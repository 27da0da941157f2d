/** The public declarations of `@heed/flex/mods`, by tools/api.mjs. */
// #region Variables
export declare const absoluteBias: ScoreMod<{
  bias: Tensor;
}>;
export declare const alibi: ScoreMod<{
  slopes: Tensor;
}>;
export declare const gaussianBias: ScoreMod<{
  sigma: Tensor;
}>;
export declare const headGate: ScoreMod<{
  gate: Tensor;
}>;
export declare const relativeBias: ScoreMod<{
  bias: Tensor;
  maxDistance: number;
}>;
export declare const softcap: ScoreMod<{
  cap: number;
}>;
export declare const t5Bias: ScoreMod<{
  bias: Tensor;
  buckets: number;
  maxDistance: number;
  bidirectional: boolean;
}>;
// #endregion

// #region Referenced (internal)
type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K]; };
type ScoreMod<C = {}> = (score: number, b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => number;
interface SeqInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}
type Table = number & {
  readonly [i: number]: Table;
};
// #endregion
