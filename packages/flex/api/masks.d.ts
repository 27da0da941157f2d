/** The public declarations of `@heed/flex/masks`, by tools/api.mjs. */
// #region Variables
export declare const blockDiagonal: MaskMod<{
  blockSize: number;
}>;
export declare const blockDiffusion: MaskMod<{
  length: number;
  blockSize: number;
}>;
export declare const causal: MaskMod;
export declare const dilatedWindow: MaskMod<{
  window: number;
  dilation: number;
}>;
export declare const document: MaskMod<{
  id: Tensor;
}>;
export declare const globalPlusWindow: MaskMod<{
  globals: number;
  window: number;
}>;
export declare const natten2d: MaskMod<{
  height: number;
  width: number;
  kernel: number;
}>;
export declare const prefixLm: MaskMod<{
  prefix: Tensor;
}>;
export declare const sharedPrefix: MaskMod<{
  prefix: number;
  id: Tensor;
}>;
export declare const slidingWindow: MaskMod<{
  window: number;
}>;
export declare const tree: MaskMod<{
  ancestors: Tensor;
  prefix?: number;
}>;
// #endregion

// #region Referenced (internal)
type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K]; };
type MaskMod<C = {}> = (b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => boolean;
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
