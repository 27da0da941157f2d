/** The public declarations of `@heed/kernels-wgsl`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionGradients extends Gradients {
  readonly dSoftcap?: Tensor;
  readonly dAlibiSlopes?: Tensor;
}
export interface AttentionOptions<Lse extends boolean = boolean> extends ScaleOption, BandOption, SoftcapOption, AlibiSlopesOption, SinksOption, SeqUsedKOption, SelectedKeysOption, DropoutOption, ResultOption<Lse>, NumSplitsOption, CascadeOption {}
export interface AttentionPlan<Tensors = AttentionTensors, Result = AttentionResult> extends Disposable {
  readonly problem: AttentionProblem;
  readonly wgsl: string;
  warmup(options?: WarmupOptions$1): Promise<void>;
  run(tensors: Tensors): Result;
  encode(pass: GPUComputePassEncoder, tensors: Tensors): AttentionResult;
  record(tensors: Tensors): AttentionRecording;
  describe(): string;
  dispose(): void;
}
export interface AttentionProblem extends OptionFlags {
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
export interface AttentionTensors extends AttentionOptions, Partial<VarlenLayout> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
export interface AttentionWeightsOptions extends KeyMassOptions, RowsOption {}
export interface CandidateReport {
  readonly entry: TuningEntry;
  readonly status: "timed" | "dropped" | "wrong" | "failed" | "slow" | "skipped";
  readonly reason?: string;
  readonly compileMs?: number;
  readonly ms?: number;
  readonly ratio?: number;
  readonly isSteady?: boolean;
}
export interface Differentiable<G> {
  readonly backward: (dOut: Tensor, dLse?: Tensor) => G;
}
export interface DropHook extends Hook {
  readonly kind: "drop";
}
export interface Dropout {
  readonly rate: number;
  readonly seed: number | Tensor;
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
export interface KeyMassOptions extends AttentionOptions, Partial<VarlenLayout>, LseOption {}
export interface MaskHook extends Hook {
  readonly kind: "mask";
  readonly hasRange: boolean;
  readonly hasBlocks?: boolean;
}
export interface RowConstant {
  readonly name: string;
  readonly type: "f32" | "i32" | "u32";
  readonly expression: string;
}
export interface ScoreHook extends Hook {
  readonly kind: "score";
  readonly hasDiagonal?: boolean;
  readonly gradient?: HookGradient;
}
export interface TopKeysOptions extends IndexerOptions, BandOption {}
export interface Tunable {
  readonly problem: AttentionProblem;
  readonly callOf: (fn: string, gpu: Gpu, tensors: AttentionTensors) => Call;
}
export interface TuneCandidates {
  readonly key: string;
  readonly tiles: readonly TileConfig[];
  readonly splits: readonly number[];
  readonly refused: readonly {
    readonly tile: TileConfig;
    readonly reason: string;
  }[];
}
export interface TuneOptions {
  readonly seconds?: number;
  readonly rounds?: number;
  readonly filter?: (entry: TuningEntry) => boolean;
  readonly integers?: boolean;
  readonly compileSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (label: string) => void;
  readonly onReport?: (report: TuneReport) => void;
}
export interface TuneReport {
  readonly key: string;
  readonly source?: "timestamp" | "wall";
  readonly spread?: number;
  readonly candidates: readonly CandidateReport[];
  readonly chosen?: TuningEntry;
}
export interface VariantHooks {
  readonly key: string;
  readonly scores: readonly ScoreHook[];
  readonly masks: readonly MaskHook[];
  readonly drop?: DropHook | undefined;
}
export interface VarlenLayout {
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
// #endregion

// #region Types
export type AttentionRecording = AttentionResult & Disposable & {
  replay(): void;
  encode(pass: GPUComputePassEncoder): void;
  dispose(): void;
};
export type AttentionResult<D extends DType = DType, Lse extends boolean = boolean> = {
  readonly out: Tensor<D>;
  readonly max?: Tensor<"f32">;
} & ([Lse] extends [true] ? WithLse : [Lse] extends [false] ? {} : Partial<WithLse>);
export type DifferentiablePlan = AttentionPlan<AttentionTensors, AttentionResult & Differentiable<AttentionGradients>>;
export type VarlenOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & VarlenLayout;
export type ViewOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & Partial<VarlenLayout>;
// #endregion

// #region Functions
export declare function attention<D extends DType, Lse extends boolean = false>(q: Tensor<D>, k: Tensor, v: Tensor, options?: AttentionOptions<Lse>): AttentionResult<D, Lse>;
export declare function attentionVjp<D extends DType>(q: Tensor<D>, k: Tensor, v: Tensor, options?: AttentionOptions): AttentionResult<D, true> & Differentiable<AttentionGradients>;
export declare function attentionWeights(q: Tensor, k: Tensor, options?: AttentionWeightsOptions): Tensor<"f32">;
export declare function attentionWeights(q: Tensor, view: PagedKvView, options?: AttentionWeightsOptions): Tensor<"f32">;
export declare function keyMass(q: Tensor, k: Tensor, options?: KeyMassOptions): Tensor<"f32">;
export declare function keyMass(q: Tensor, view: PagedKvView, options?: KeyMassOptions): Tensor<"f32">;
export declare function mergeStates<D extends DType>(states: readonly {
  out: Tensor<D>;
  lse?: Tensor;
}[]): AttentionResult<D, true>;
export declare function planAttention(gpu: Gpu, problem: AttentionProblem & {
  readonly backward: true;
}): DifferentiablePlan;
export declare function planAttention(gpu: Gpu, problem: AttentionProblem): AttentionPlan;
export declare function topKeys(q: Tensor, k: Tensor, options: TopKeysOptions): Tensor<"i32">;
export declare function topKeys(q: Tensor, view: PagedKvView, options: TopKeysOptions): Tensor<"i32">;
export declare function tune(gpu: Gpu, problems: readonly (AttentionProblem | Tunable)[], options?: TuneOptions): Promise<Tuning>;
export declare function tuneCandidates(gpu: Gpu, problem: AttentionProblem | Tunable): [forward: TuneCandidates, ...gradients: TuneCandidates[]];
export declare function varlenAttention<D extends DType, Lse extends boolean = false>(q: Tensor<D>, k: Tensor, v: Tensor, options: VarlenOptions<Lse>): AttentionResult<D, Lse>;
export declare function varlenAttention<D extends DType, Lse extends boolean = false>(q: Tensor<D>, view: PagedKvView, options?: ViewOptions<Lse>): AttentionResult<D, Lse>;
export declare function varlenAttentionVjp<D extends DType>(q: Tensor<D>, k: Tensor, v: Tensor, options: VarlenOptions): AttentionResult<D, true> & Differentiable<AttentionGradients>;
export declare function varlenAttentionVjp<D extends DType>(q: Tensor<D>, view: PagedKvView, options?: ViewOptions): AttentionResult<D, true> & Differentiable<AttentionGradients>;
// #endregion

// #region Referenced (internal)
interface AlibiSlopesOption {
  readonly alibiSlopes?: Tensor;
}
type AnyHook = ScoreHook | MaskHook | DropHook;
interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}
interface BandOption {
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: "start" | "end";
}
interface BoundHook {
  readonly hook: AnyHook;
  readonly tables: readonly WordSource[];
  readonly values: (places: readonly TablePlace[]) => ParamValues;
  readonly gradientValues?: (places: readonly TablePlace[]) => ParamValues;
  readonly blocks?: Tensor;
}
interface Call {
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
interface CallLengths {
  readonly cuQ?: Int32Array | Tensor;
  readonly cuK?: Int32Array | Tensor;
  readonly used?: Int32Array | Tensor;
  readonly table?: Int32Array | Tensor;
}
interface CascadeOption {
  readonly cascade?: boolean;
}
interface DecodeTile {
  readonly path: "decode" | "integers";
  readonly rows: number;
  readonly lanes: number;
  readonly keysPerLane: number;
  readonly shuffled: number;
}
interface DerivedWords {
  readonly count: number;
  readonly values?: ParamValues;
  readonly write: (target: Target, words: Tensor, first: number) => void;
}
interface DropoutOption {
  readonly dropout?: Dropout;
}
type GivenLengths = Lengths | BigInt64Array;
interface HookGradient {
  readonly params: readonly ParamField[];
  readonly wgsl: string;
  readonly hasScoreDerivative: boolean;
  readonly reads: readonly TableRead[];
}
interface IndexerOptions extends Partial<VarlenLayout> {
  readonly topK: number;
  readonly weights?: Tensor;
  readonly blockSize?: number;
  readonly align?: "start" | "end";
}
type KeyKind = "strided" | "paged";
type KeyType = PageFormat;
interface Launch extends Pick<Dispatch, "buffers" | "workgroups"> {
  readonly source: KernelSource;
  readonly params: Uint32Array;
  readonly prepares?: boolean;
}
type LengthKind = "dense" | "varlen";
type Lengths = Int32Array | Tensor;
interface LseOption {
  readonly lse?: Tensor;
}
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
interface ParamField {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}
type ParamValues = Readonly<Record<string, number>>;
interface PortableTile extends ThreadGrid {
  readonly path: "portable";
}
interface ResultOption<Lse extends boolean = boolean> {
  readonly returnLse?: Lse;
  readonly returnMax?: boolean;
  readonly out?: Tensor;
}
type RowKind = "head" | "group";
interface RowsOption {
  readonly rows?: readonly [start: number, end: number];
}
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
interface SubgroupTile {
  readonly path: "subgroup";
  readonly subgroupSize: number;
  readonly rowsPerLane: number;
  readonly keysPerLane: number;
  readonly branches: boolean;
}
interface TablePlace {
  readonly offset: number;
  readonly strides: readonly number[];
}
interface TableRead {
  readonly table: number;
  readonly isPerRow: boolean;
}
interface Target {
  readonly gpu: Gpu;
  readonly maxBytes: number;
  dispatch(launch: Launch): void;
  storage(data: ArrayBufferView): BufferRange;
  result<D extends DType = "f32">(label: string, shape: readonly number[], dtype?: D): Tensor<D>;
  scratch(use: string, shape: readonly number[], dtype?: DType): Tensor;
  free(scratch: Tensor): void;
}
interface ThreadGrid {
  readonly threadsM: number;
  readonly rowsPerThread: 1 | 2 | 4;
  readonly unroll: boolean;
}
type TileConfig = MatrixTile | DecodeTile | SubgroupTile | PortableTile;
interface WithLse {
  readonly lse: Tensor<"f32">;
}
type WordSource = Int32Array | Tensor | DerivedWords;
// #endregion

// #region Other
export { WarmupOptions }
// #endregion
