/** The public declarations of `@heed/tfjs`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionOptions extends OnTf<Omit<AttentionOptions$1, keyof typeof resultNames>> {}
export interface FlexOptions<C extends Captures = {}> extends OnTf<Omit<FlexOptions$1, keyof typeof resultNames | "scoreMod" | "maskMod" | "captures">>, GradOptions {
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
export type HeedCaptures<C> = { [K in keyof C]: C[K] extends (infer V) ? (V extends Tensor ? Tensor$1 : V) : never; };
export type OnTf<T> = { [K in keyof T]: T[K] extends (infer V) ? (V extends Tensor$1 ? Tensor : V) : never; };
// #endregion

// #region Functions
export declare function attention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor;
export declare function flexAttention<C extends Captures = {}>(q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<C>): Tensor;
export declare function heedTensor(gpu: Gpu, x: Tensor): Tensor$1;
export declare function heedTensor(x: Tensor): Tensor$1;
export declare function openTfjs(options?: OpenTfjsOptions): Promise<Gpu>;
export declare function tfTensor(x: Tensor$1): Tensor;
// #endregion
