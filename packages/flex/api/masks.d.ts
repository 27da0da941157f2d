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
export declare const flamingo: MaskMod<{
  intervals: Tensor;
  tokensPerImage: number;
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
export declare const natten3d: MaskMod<{
  depth: number;
  height: number;
  width: number;
  kernelDepth: number;
  kernelHeight: number;
  kernelWidth: number;
}>;
export declare const prefixLm: MaskMod<{
  prefix: Tensor;
}>;
export declare const randomBlocks: MaskMod<{
  seed: number;
  blockSize: number;
  count: number;
}>;
export declare const sharedPrefix: MaskMod<{
  prefix: number;
  id: Tensor;
}>;
export declare const slidingTile: MaskMod<{
  tileSize: number;
  height: number;
  width: number;
  kernelHeight: number;
  kernelWidth: number;
  depth?: number;
  kernelDepth?: number;
}>;
export declare const slidingWindow: MaskMod<{
  window: number;
}>;
export declare const tree: MaskMod<{
  ancestors: Tensor;
  prefix?: number;
}>;
export declare const windowPartition: MaskMod<{
  width: number;
  window: number;
  shift?: number;
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
