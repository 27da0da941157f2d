/** The public declarations of `@heed/flex`, by tools/api.mjs. */
// #region Interfaces
export interface BlockClasses {
  readonly shape: readonly [number, number, number, number];
  readonly classes: Uint8Array;
  readonly columns: Uint32Array;
  readonly total: number;
  readonly visited: number;
}
export interface BlockListOptions<C extends Captures = never> extends BlockMaskOptions<C> {
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
}
export interface BlockMaskOptions<C extends Captures = never> extends Partial<VarlenLayout> {
  readonly B?: number;
  readonly H?: number;
  readonly Lq?: number;
  readonly Lk?: number;
  readonly align?: "start" | "end";
  readonly blockSize?: number | readonly [q: number, k: number];
  readonly captures?: C;
}
export interface CallerLists {
  readonly kvNumBlocks: Tensor;
  readonly kvIndices: Tensor;
  readonly fullKvNumBlocks?: Tensor;
  readonly fullKvIndices?: Tensor;
}
export interface CompiledFunction<M = unknown> {
  readonly kind: "score" | "mask";
  readonly wgsl: string;
  readonly js: M extends AnyMod ? ModTwin<M> : JsMod;
  readonly ir: unknown;
  readonly hash: string;
  readonly derivative?: ModDerivative;
  explain(): string;
  toJSON(): PrecompiledMod;
}
export interface CompileOptions {
  readonly kind?: "score" | "mask";
}
export interface DocumentOptions<C extends Captures = never> extends Pick<BlockMaskOptions<C>, "B" | "H" | "blockSize" | "captures"> {
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  readonly L?: number;
}
export interface FlexGradients<C extends Captures = Captures, Name extends string = string> extends Gradients {
  readonly dCaptures: { readonly [K in keyof C as C[K] extends Tensor ? K & Name : never]: Tensor<"f32">; } & Readonly<Record<string, Tensor<"f32">>>;
}
export interface FlexKeyMassOptions<C extends Captures = never> extends FlexOptions<C>, LseOption {}
export interface FlexOptions<C extends Captures = never, Lse extends boolean = boolean> extends Omit<AttentionOptions<Lse>, BuiltInVariants>, Partial<VarlenLayout> {
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  readonly blockMask?: BlockMask;
  readonly captures?: C;
}
export interface FlexProblem<C extends Captures = never> extends Omit<AttentionProblem, BuiltInVariants>, Mods<C>, GradOptions {}
export interface FlexTensors<C extends Captures = never> extends FlexOptions<C> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
export interface FlexTopKeysOptions<C extends Captures = never> extends IndexerOptions {
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  readonly captures?: C;
}
export interface FlexWeightsOptions<C extends Captures = never> extends FlexKeyMassOptions<C>, RowsOption {}
export interface GradOptions<Name extends string = string> {
  readonly grads?: readonly Name[];
}
export interface ModDerivative {
  readonly score: unknown;
  readonly tables: readonly unknown[];
  readonly js: (...args: readonly unknown[]) => {
    score: number;
    tables: number[];
  };
}
export interface NestedArray {
  readonly length: number;
  readonly [i: number]: number | NestedArray;
}
export interface PictureOptions extends ReadOptions {
  readonly maxColumns?: number;
}
export interface PrecompiledMod {
  readonly heedMod: number;
  readonly kind: string;
  readonly hash: string;
  readonly captures: readonly object[];
  readonly operations: readonly (readonly (string | number | boolean)[])[];
}
export interface SeqInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}
// #endregion

// #region Types
export type AllOf<Cs extends readonly unknown[]> = Cs extends readonly [infer C, ...infer Rest] ? C & AllOf<Rest> : {};
export type AnyMod = ScoreMod<never> | MaskMod<never>;
export type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K]; };
export type Captures = Record<string, Tensor | number | boolean | Function>;
export type JsMod = (...args: readonly unknown[]) => number | boolean;
export type MaskMod<C = {}> = (b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => boolean;
export type ModTwin<M extends AnyMod> = M extends MaskMod<never> ? (b: number, h: number, q: number, kv: number, c?: TwinCaptures<Parameters<M> extends {
  readonly 4: infer C;
} ? C : never>, info?: Partial<SeqInfo>) => boolean : (score: number, b: number, h: number, q: number, kv: number, c?: TwinCaptures<Parameters<M> extends {
  readonly 5: infer C;
} ? C : never>, info?: Partial<SeqInfo>) => number;
export type NeedsCaptures<C> = [C] extends [never] ? unknown : {} extends C ? unknown : {
  readonly captures: C;
};
export type ScoreMod<C = {}> = (score: number, b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => number;
export type Table = number & {
  readonly [i: number]: Table;
};
export type TwinCaptures<C> = [C] extends [never] ? Readonly<Record<string, unknown>> : { readonly [K in keyof C]?: NonNullable<C[K]> extends Table ? NestedArray | number : C[K]; };
// #endregion

// #region Classes
export declare class BlockMask implements Disposable {
  #private;
  private constructor();
  static fromCuSeqlens<C extends Captures = {}>(gpu: Gpu, cuSeqlens: GivenLengths, o?: DocumentOptions<C>): BlockMask;
  static fromBlocks<C extends Captures = {}>(gpu: Gpu, lists: CallerLists, o: BlockListOptions<C>): BlockMask;
  get blockSize(): readonly [q: number, k: number];
  get shape(): readonly number[];
  get kvNumBlocks(): Tensor;
  get kvIndices(): Tensor;
  get fullKvNumBlocks(): Tensor;
  get fullKvIndices(): Tensor;
  get qNumBlocks(): Tensor;
  get qIndices(): Tensor;
  get fullQNumBlocks(): Tensor;
  get fullQIndices(): Tensor;
  sparsity(o?: ReadOptions): Promise<number>;
  explain(): string;
  toDense(o?: ReadOptions): Promise<BlockClasses>;
  toText(o?: PictureOptions): Promise<string>;
  slice(axis: 0 | 1 | 2, start: number, end: number): BlockMask;
  dispose(): void;
  [Symbol.dispose](): void;
}
// #endregion

// #region Functions
export declare function andMasks<Cs extends readonly unknown[]>(...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod; }): MaskMod<AllOf<Cs>>;
export declare function attentionWeights<C extends Captures = {}>(q: Tensor, k: Tensor, options: FlexWeightsOptions<C> & NeedsCaptures<C>): Tensor<"f32">;
export declare function attentionWeights<C extends Captures = {}>(q: Tensor, view: PagedKvView, options?: FlexWeightsOptions<C> & NeedsCaptures<C>): Tensor<"f32">;
export declare function bind<C extends Captures>(mod: ScoreMod<C>, captures: C): ScoreMod;
export declare function bind<C extends Captures>(mod: MaskMod<C>, captures: C): MaskMod;
export declare function bind<C, B extends Partial<C> & Captures>(mod: ScoreMod<C>, captures: B): ScoreMod<Omit<C, keyof B>>;
export declare function bind<C, B extends Partial<C> & Captures>(mod: MaskMod<C>, captures: B): MaskMod<Omit<C, keyof B>>;
export declare function bind<F extends Function>(mod: F, captures: Captures): F;
export declare function bind(mod: PrecompiledMod, captures: Captures): ScoreMod & MaskMod;
export declare function compileMod<M extends ScoreMod<never>>(fn: M, captures?: Readonly<Record<string, unknown>>, options?: CompileOptions): CompiledFunction<M>;
export declare function compileMod<M extends MaskMod<never>>(fn: M, captures?: Readonly<Record<string, unknown>>, options?: CompileOptions): CompiledFunction<M>;
export declare function compileMod<M = unknown>(fn: Function | PrecompiledMod, captures?: Readonly<Record<string, unknown>>, options?: CompileOptions): CompiledFunction<M>;
export declare function createBlockMask<C extends Captures = {}>(gpu: Gpu, maskMod: MaskMod<C> | PrecompiledMod, o: BlockMaskOptions<C> & NeedsCaptures<C>): BlockMask;
export declare function f32(value: number): number;
export declare function flexAttention<C extends Captures = {}, D extends DType = DType, Lse extends boolean = false>(q: Tensor<D>, k: Tensor, v: Tensor, options: FlexOptions<C, Lse> & NeedsCaptures<C>): AttentionResult<D, Lse>;
export declare function flexAttention<C extends Captures = {}, D extends DType = DType, Lse extends boolean = false>(q: Tensor<D>, view: PagedKvView, options?: FlexOptions<C, Lse> & NeedsCaptures<C>): AttentionResult<D, Lse>;
export declare function flexAttentionVjp<C extends Captures = {}, D extends DType = DType, Name extends string = string>(q: Tensor<D>, k: Tensor, v: Tensor, options: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export declare function flexAttentionVjp<C extends Captures = {}, D extends DType = DType, Name extends string = string>(q: Tensor<D>, view: PagedKvView, options?: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export declare function i32(value: number): number;
export declare function keyMass<C extends Captures = {}>(q: Tensor, k: Tensor, options: FlexKeyMassOptions<C> & NeedsCaptures<C>): Tensor<"f32">;
export declare function keyMass<C extends Captures = {}>(q: Tensor, view: PagedKvView, options?: FlexKeyMassOptions<C> & NeedsCaptures<C>): Tensor<"f32">;
export declare function notMask<C = {}>(mask: MaskMod<C> | PrecompiledMod): MaskMod<C>;
export declare function orMasks<Cs extends readonly unknown[]>(...masks: { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod; }): MaskMod<AllOf<Cs>>;
export declare function planFlexAttention<C extends Captures = {}>(gpu: Gpu, problem: FlexProblem<C> & NeedsCaptures<C> & {
  readonly backward: true;
}): AttentionPlan<FlexTensors<C>, AttentionResult & Differentiable<FlexGradients>>;
export declare function planFlexAttention<C extends Captures = {}>(gpu: Gpu, problem: FlexProblem<C> & NeedsCaptures<C>): AttentionPlan<FlexTensors<C>>;
export declare function topKeys<C extends Captures = {}>(q: Tensor, k: Tensor, options: FlexTopKeysOptions<C> & NeedsCaptures<C>): Tensor<"i32">;
export declare function topKeys<C extends Captures = {}>(q: Tensor, view: PagedKvView, options: FlexTopKeysOptions<C> & NeedsCaptures<C>): Tensor<"i32">;
export declare function tunable<C extends Captures = {}>(problem: FlexProblem<C>): Tunable;
// #endregion

// #region Referenced (internal)
type BuiltInVariants = "causal" | "window" | "softcap" | "alibiSlopes";
type Mods<C extends Captures> = Pick<FlexOptions<C>, "scoreMod" | "maskMod" | "blockMask" | "captures">;
// #endregion
