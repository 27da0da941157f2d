/** The public declarations of `@heed/tfjs`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionOptions extends OnTf<Omit<AttentionOptions$1, Results>> {}
export interface FlexOptions<C extends Captures = {}> extends OnTf<Layout>, GradOptions {
  readonly scoreMod?: ScoreMod<HeedCaptures<C>>;
  readonly maskMod?: MaskMod<HeedCaptures<C>>;
  readonly captures?: C;
}
export interface OpenTfjsOptions {
  readonly gpu?: Gpu;
}
// #endregion

// #region Types
export type Captures = Record<string, Tensor | Tensor$1 | number | boolean | Function>;
export type HeedCaptures<C> = { [K in keyof C]: Heed<C[K]>; };
// #endregion

// #region Functions
export declare function attention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor;
export declare function flexAttention<C extends Captures = {}>(q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<C>): Tensor;
export declare function heedTensor(x: Tensor): Tensor$1;
export declare function openTfjs(options?: OpenTfjsOptions): Promise<Gpu>;
export declare function tfTensor(x: Tensor$1): Tensor;
// #endregion

// #region Referenced (internal)
type Heed<V> = V extends Tensor ? Tensor$1 : V;
type Layout = Omit<FlexOptions$1, Results | "scoreMod" | "maskMod" | "captures">;
type OnTf<T> = { [K in keyof T]: Tf<T[K]>; };
type Results = "out" | "returnLse";
type Tf<V> = V extends Tensor$1 ? Tensor : V;
// #endregion
