/** The public declarations of `@heed/kernels-wgsl/variant`, by tools/api.mjs. */
// #region Interfaces
export interface AllGradients extends Gradients {
  readonly dSoftcap?: Tensor;
  readonly tables: readonly (Tensor | undefined)[];
}
export interface AnyTile {
  readonly path: string;
}
export interface AttentionPlan<Tensors = AttentionTensors, Result = AttentionResult> extends Disposable {
  readonly problem: AttentionProblem;
  readonly wgsl: string;
  warmup(options?: WarmupOptions): Promise<void>;
  run(tensors: Tensors): Result;
  encode(pass: GPUComputePassEncoder, tensors: Tensors): AttentionResult;
  record(tensors: Tensors): AttentionRecording;
  describe(): string;
  dispose(): void;
}
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
export interface BoundCaptures {
  readonly range: BufferRange;
  readonly values: ParamValues;
  release(): void;
}
export interface BoundHook {
  readonly hook: AnyHook;
  readonly tables: readonly WordSource[];
  readonly values: (places: readonly TablePlace[]) => ParamValues;
  readonly gradientValues?: (places: readonly TablePlace[]) => ParamValues;
  readonly blocks?: Tensor;
}
export interface BoundLengths {
  readonly range: BufferRange;
  readonly values: ParamValues & {
    readonly cu_q: number;
    readonly cu_k: number;
    readonly used_k: number;
    readonly table: number;
    readonly derived: number;
  };
  release(): void;
}
export interface Call {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly dtype: FloatType;
  readonly kvDtype: KeyType;
  readonly vDtype?: KeyType | undefined;
  readonly headDim: number;
  readonly headDimV: number;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly batch: number;
  readonly seqlenQ: number;
  readonly seqlenK: number;
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly pages: number;
  readonly maxPages: number;
  readonly given: CallLengths;
  readonly hooks: readonly BoundHook[];
  readonly options: AttentionOptions;
  readonly selected?: SelectedKeys | undefined;
  readonly view?: PagedKvView;
}
export interface ComposedKernel extends KernelSource {
  readonly fields: readonly ParamField[];
}
export interface DerivedWords {
  readonly count: number;
  readonly values?: ParamValues;
  readonly write: (target: Target, words: Tensor, first: number) => void;
}
export interface Differentiable<G> {
  readonly backward: (dOut: Tensor, dLse?: Tensor) => G;
}
export interface DropHook extends Hook {
  readonly kind: "drop";
}
export interface Gradients {
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
  readonly dSinks?: Tensor;
  readonly dScale?: Tensor;
}
export interface Hook {
  readonly name: string;
  readonly params: readonly ParamField[];
  readonly constants?: readonly RowConstant[];
  readonly wgsl: string;
  readonly isLong?: boolean;
}
export interface HookGradient {
  readonly params: readonly ParamField[];
  readonly wgsl: string;
  readonly hasScoreDerivative: boolean;
  readonly reads: readonly TableRead[];
}
export interface IndexerOptions extends Partial<VarlenLayout> {
  readonly topK: number;
  readonly weights?: Tensor;
  readonly blockSize?: number;
  readonly align?: "start" | "end";
}
export interface KernelPart {
  readonly fields: readonly ParamField[];
  readonly text: string;
}
export interface LseOption {
  readonly lse?: Tensor;
}
export interface MaskHook extends Hook {
  readonly kind: "mask";
  readonly hasRange: boolean;
  readonly hasBlocks?: boolean;
}
export interface ParamField {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}
export interface RowConstant {
  readonly name: string;
  readonly type: "f32" | "i32" | "u32";
  readonly expression: string;
}
export interface RowsOption {
  readonly rows?: readonly [start: number, end: number];
}
export interface ScoreHook extends Hook {
  readonly kind: "score";
  readonly hasDiagonal?: boolean;
  readonly gradient?: HookGradient;
}
export interface TablePlace {
  readonly offset: number;
  readonly strides: readonly number[];
}
export interface Target {
  readonly gpu: Gpu;
  readonly maxBytes: number;
  dispatch(launch: Launch): void;
  storage(data: ArrayBufferView): BufferRange;
  result<D extends DType = "f32">(label: string, shape: readonly number[], dtype?: D): Tensor<D>;
  scratch(use: string, shape: readonly number[], dtype?: DType): Tensor;
  free(scratch: Tensor): void;
}
export interface TileShape {
  readonly tileM: number;
  readonly tileN: number;
}
export interface VariantHooks {
  readonly key: string;
  readonly scores: readonly ScoreHook[];
  readonly masks: readonly MaskHook[];
  readonly drop?: DropHook | undefined;
}
// #endregion

// #region Types
export type Forward = (call: Call, keepsStates?: boolean) => ForwardResult;
export type GivenLengths = Lengths | BigInt64Array;
export type Lengths = Int32Array | Tensor;
export type ParamValues = Readonly<Record<string, number>>;
export type TilePath = TileConfig["path"];
export type WordSource = Int32Array | Tensor | DerivedWords;
// #endregion

// #region Functions
export declare function allHooks({ scores, masks, drop }: VariantHooks): readonly Hook[];
export declare function bindCaptures(target: Target, { hooks, options }: Pick<Call, "hooks" | "options">, withGradients?: boolean): BoundCaptures;
export declare function bindLengths(target: Target, { given }: Pick<Call, "given">, derived?: DerivedWords): BoundLengths;
export declare function checkCumulative(fn: string, name: string, list: Lengths, rows: number): void;
export declare function checkLengths(fn: string, gpu: Gpu, name: string, x: GivenLengths, shape: readonly number[]): asserts x is Lengths;
export declare function checkProblem(p: AttentionProblem, fn: string): void;
export declare function checkUsed(fn: string, x: Lengths, slot: (b: number) => number | undefined): void;
export declare function composeKernel({ label, head, bindings, parts }: KernelParts): ComposedKernel;
export declare function denseCall(fn: string, q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions, given?: readonly BoundHook[]): Call;
export declare function differentiable<G>(call: Call, withTables: boolean, name: (gradients: AllGradients) => G, forward?: Forward): AttentionResult<DType, true> & Differentiable<G>;
export declare function gradientWorkgroups({ of, tile, ...dims }: Pick<BackwardConfig, "of" | "tile" | "headDim" | "headDimV">): number;
export declare function indexerCall(fn: string, q: Tensor, k: Tensor | PagedKvView, options: IndexerOptions & BandOption, given?: readonly BoundHook[]): TopKeysCall;
export declare function keySums(given: WeightsCall): Tensor<"f32">;
export declare function layoutCall(fn: string, { layout, format, headDim, headDimV, selectedBlockSize }: Pick<AttentionProblem, "layout" | Planned>, tensors: AttentionTensors, hooks?: readonly BoundHook[]): Call;
export declare function lengthsPart(lengths: LengthKind, keys: KeyKind): KernelPart;
export declare function makePlan<Tensors extends {
  readonly numSplits?: number | "auto";
}, Result extends AttentionResult>(gpu: Gpu, { fn, problem, callOf, resultOf, withTables }: PlanParts<Tensors, Result>): AttentionPlan<Tensors, Result>;
export declare function packedTilesWgsl(name: string, begin: string): string;
export declare function packParams(fields: readonly ParamField[], values: ParamValues): Uint32Array;
export declare function recorderTarget(gpu: Gpu): Target;
export declare function rowConstants(hooks: VariantHooks): readonly RowConstant[];
export declare function rowStruct(constants: readonly RowConstant[]): string;
export declare function rowWeights(given: WeightsCall): Tensor<"f32">;
export declare function runCall(call: Call, keepsStates?: boolean): ForwardResult;
export declare function runTopKeys(top: TopKeysCall): Tensor<"i32">;
export declare function tileShape(tile: AnyTile): TileShape;
export declare function u32Fields(...names: string[]): ParamField[];
export declare function variantHooks(hooks: readonly AnyHook[]): VariantHooks;
export declare function varlenCall(fn: string, q: Tensor, k: Tensor, v: Tensor, options: VarlenOptions, given?: readonly BoundHook[]): Call;
export declare function viewCall(fn: string, q: Tensor, view: PagedKvView, options: ViewOptions, given?: readonly BoundHook[]): Call;
export declare function weightsCall(fn: string, q: Tensor, k: Tensor | PagedKvView, { lse, rows, ...options }: AttentionOptions & Partial<VarlenLayout> & LseOption & RowsOption, given?: readonly BoundHook[]): WeightsCall;
export declare function withoutIgnored<O extends object>(options: O): Omit<O, Ignored>;
// #endregion

// #region Variables
export declare const blockParams: readonly ParamField[];
export declare const diagonalPart: KernelPart;
export declare const forcedPaths: readonly TilePath[];
export declare const indexerNames: NamesOf<IndexerOptions>;
export declare const indexerSynonyms: Readonly<Record<string, string>>;
export declare const layoutNames: NamesOf<VarlenLayout>;
export declare const MADE_WORDS: number;
export declare const none: string;
export declare const resultNames: NamesOf<Pick<AttentionOptions, ResultName>>;
export declare const sharedNames: NamesOf<Omit<AttentionOptions, VariantOption | ResultName>>;
export declare const sharedProblemNames: NamesOf<Omit<AttentionProblem, "softcap" | "alibiSlopes" | "causal" | "window">>;
export declare const spanStruct: (more?: string) => string;
export declare const synonyms: {
  iscausal: string;
  causalmask: string;
  windowsize: string;
  slidingwindow: string;
  localwindowsize: string;
  softmaxscale: string;
  smscale: string;
  logitcap: string;
  logitssoftcap: string;
  attnlogitsoftcapping: string;
  alibi: string;
  slopes: string;
  attentionsinks: string;
  learnablesink: string;
  saux: string;
  returnsoftmaxlse: string;
  returnattnprobs: string;
  output: string;
  splits: string;
  numsplitkv: string;
  culens: string;
  cuseqlens: string;
  seqlens: string;
  pagetable: string;
  cacheseqlens: string;
  seqlenk: string;
  seqlensk: string;
  kvlens: string;
  kvseqlen: string;
  keyvalueseqlengths: string;
  indices: string;
  topkindices: string;
  selectedindices: string;
  blockindices: string;
  selectedblocks: string;
  dropoutp: string;
  dropoutrate: string;
  pdropout: string;
  attndropout: string;
  attentiondropout: string;
  mask: string;
  attnmask: string;
  attentionmask: string;
  bias: string;
  attnbias: string;
};
export declare const tileClasses: string;
export declare const variantNames: NamesOf<Pick<AttentionOptions, VariantOption>>;
// #endregion

// #region Referenced (internal)
interface AlibiSlopesOption {
  readonly alibiSlopes?: Tensor;
}
type AnyHook = ScoreHook | MaskHook | DropHook;
type AnyPart = KernelPart | string | false | undefined;
interface AttentionOptions<Lse extends boolean = boolean> extends ScaleOption, BandOption, SoftcapOption, AlibiSlopesOption, SinksOption, SeqUsedKOption, SelectedKeysOption, DropoutOption, ResultOption<Lse>, NumSplitsOption, CascadeOption {}
interface AttentionProblem extends OptionFlags {
  readonly layout: "dense" | "varlen" | "paged";
  readonly dtype?: FloatType;
  readonly q: readonly number[];
  readonly k: readonly number[];
  readonly v?: readonly number[];
  readonly format?: KeyType;
  readonly headDim?: number;
  readonly headDimV?: number;
  readonly selectedKeys?: readonly number[];
  readonly selectedBlockSize?: number;
  readonly sequences?: number;
  readonly numSplits?: number | "auto";
  readonly sharedKv?: boolean;
  readonly backward?: boolean;
}
type AttentionRecording = AttentionResult & Disposable & {
  replay(): void;
  encode(pass: GPUComputePassEncoder): void;
  dispose(): void;
};
type AttentionResult<D extends DType = DType, Lse extends boolean = boolean> = {
  readonly out: Tensor<D>;
  readonly max?: Tensor<"f32">;
} & ([Lse] extends [true] ? WithLse : [Lse] extends [false] ? {} : Partial<WithLse>);
interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}
interface BackwardConfig extends Pick<ForwardConfig, "qType" | "kvType" | "headDim" | "headDimV" | "lengths" | "keys" | "selectedBlock" | "read" | "rows" | "hooks"> {
  readonly of: GradientOf;
  readonly collects?: readonly ScoreHook[] | undefined;
  readonly resultType: FloatType;
  readonly write: WriteAccess;
  readonly tile: AnyTile;
}
interface BandOption {
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: "start" | "end";
}
interface CallLengths {
  readonly cuQ?: Int32Array | Tensor;
  readonly cuK?: Int32Array | Tensor;
  readonly used?: Int32Array | Tensor;
  readonly table?: Int32Array | Tensor;
}
interface Cascade {
  readonly pass: CascadePass;
  readonly sums: number;
}
interface CascadeOption {
  readonly cascade?: boolean;
}
type CascadePass = "prefix" | "suffix";
interface DecodeTile {
  readonly path: "decode" | "integers";
  readonly rows: number;
  readonly lanes: number;
  readonly keysPerLane: number;
  readonly shuffled: number;
}
interface Dropout {
  readonly rate: number;
  readonly seed: number | Tensor;
}
interface DropoutOption {
  readonly dropout?: Dropout;
}
interface ForwardConfig {
  readonly qType: FloatType;
  readonly kvType: KeyType;
  readonly vType?: KeyType;
  readonly outType: FloatType;
  readonly headDim: number;
  readonly headDimV: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly selectedBlock: number;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  readonly rows: RowKind;
  readonly sharedKv?: true;
  readonly cascade?: Cascade;
  readonly hooks: VariantHooks;
  readonly tile: AnyTile;
}
interface ForwardResult extends AttentionResult {
  readonly states?: Tensor;
  readonly seed?: Tensor;
}
type GradientOf = "q" | "kv" | "tables";
type Ignored = (typeof ignoredNames)[number];
interface KernelParts {
  readonly label: string;
  readonly head: readonly AnyPart[];
  readonly bindings: readonly StorageBinding[];
  readonly parts: readonly AnyPart[];
}
type KeyKind = "strided" | "paged";
type KeyType = PageFormat;
interface Launch extends Pick<Dispatch, "buffers" | "workgroups"> {
  readonly source: KernelSource;
  readonly params: Uint32Array;
  readonly prepares?: boolean;
}
type LengthKind = "dense" | "varlen";
type MatrixShape = Pick<SubgroupMatrixConfig, "M" | "N" | "K">;
interface MatrixTile extends MatrixShape {
  readonly path: "matrix";
  readonly components: "f16" | "f32";
  readonly subgroupSize: number;
  readonly isPinned: boolean;
  readonly subgroups: number;
  readonly rowBlocks: number;
  readonly sharing: number;
  readonly keepsRows: boolean;
  readonly unroll: boolean;
}
interface NumSplitsOption {
  readonly numSplits?: number | "auto";
}
interface OptionFlags {
  readonly causal?: boolean;
  readonly window?: boolean;
  readonly scale?: boolean | OptionKind;
  readonly softcap?: boolean | OptionKind;
  readonly alibiSlopes?: boolean;
  readonly sinks?: boolean;
  readonly seqUsedK?: boolean;
  readonly dropout?: boolean;
  readonly cascade?: boolean;
  readonly returnLse?: boolean;
  readonly returnMax?: boolean;
}
type OptionKind = "number" | "tensor";
type Planned = "format" | "headDim" | "headDimV" | "selectedBlockSize";
interface PlanParts<Tensors, Result> {
  readonly fn: string;
  readonly problem: AttentionProblem;
  readonly callOf: (fn: string, tensors: Tensors | AttentionTensors) => Call;
  readonly resultOf: (call: Call, forward: Forward) => Result;
  readonly withTables?: boolean;
}
interface PortableTile extends ThreadGrid {
  readonly path: "portable";
}
type ReadAccess = "vec8" | "vec4" | "scalar";
type ResultName = keyof ResultOption;
interface ResultOption<Lse extends boolean = boolean> {
  readonly returnLse?: Lse;
  readonly returnMax?: boolean;
  readonly out?: Tensor;
}
type RowKind = "head" | "group";
interface ScaleOption {
  readonly scale?: number | Tensor;
}
interface SelectedKeys {
  readonly list: Tensor;
  readonly axes: Axes;
  readonly rows: RowKind;
  readonly entries: number;
  readonly blockSize: number;
}
interface SelectedKeysOption {
  readonly selectedKeys?: Tensor;
  readonly selectedBlockSize?: number;
}
interface SeqUsedKOption {
  readonly seqUsedK?: GivenLengths;
}
interface SinksOption {
  readonly sinks?: Tensor;
}
interface SoftcapOption {
  readonly softcap?: number | Tensor;
}
interface StorageBinding {
  readonly name: string;
  readonly kind: "read" | "write";
  readonly element: string;
}
interface SubgroupTile {
  readonly path: "subgroup";
  readonly subgroupSize: number;
  readonly rowsPerLane: number;
  readonly keysPerLane: number;
  readonly branches: boolean;
}
interface TableRead {
  readonly table: number;
  readonly isPerRow: boolean;
}
interface ThreadGrid {
  readonly threadsM: number;
  readonly rowsPerThread: 1 | 2 | 4;
  readonly unroll: boolean;
}
type TileConfig = MatrixTile | DecodeTile | SubgroupTile | PortableTile;
interface TopKeysCall {
  readonly call: Call;
  readonly topK: number;
  readonly weights: Tensor | undefined;
  readonly blockSize: number;
}
type VariantOption = "causal" | "window" | "softcap" | "alibiSlopes";
interface VarlenLayout {
  readonly cuSeqlensQ: GivenLengths;
  readonly cuSeqlensK?: GivenLengths;
  readonly maxSeqlenQ?: number;
  readonly maxSeqlenK?: number;
  readonly seqUsedK?: GivenLengths;
  readonly blockTable?: GivenLengths;
  readonly format?: PagedKvView["format"];
  readonly formatV?: PagedKvView["format"];
  readonly headDim?: number;
  readonly headDimV?: number;
}
type VarlenOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & VarlenLayout;
type ViewOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & Partial<VarlenLayout>;
interface WeightsCall {
  readonly call: Call;
  readonly lse: Tensor | undefined;
  readonly rows: readonly [start: number, end: number];
}
interface WithLse {
  readonly lse: Tensor<"f32">;
}
type WriteAccess = "vec4" | "pair" | "scalar";
// #endregion

// #region Other
export { fail }
export { isView }
export { show }
// #endregion
