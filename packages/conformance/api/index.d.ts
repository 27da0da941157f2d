/** The public declarations of `@heed/conformance`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionState {
  readonly out: NdArray;
  readonly lse: NdArray;
  readonly max?: NdArray;
}
export interface Case {
  readonly id: string;
  readonly group: string;
  readonly tier: "quick" | "full";
  readonly dtype: FloatDType;
  readonly tags: readonly string[];
}
export interface CaseReport {
  readonly id: string;
  readonly ms: number;
  readonly status: "pass" | "fail" | "unsupported";
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
  readonly outputs?: Readonly<Record<string, string>>;
}
export interface ConformanceReport {
  readonly capabilities: Capabilities;
  readonly counts: {
    readonly pass: number;
    readonly fail: number;
    readonly unsupported: number;
  };
  readonly pipelines: number;
  readonly ms: number;
  readonly cases: readonly CaseReport[];
}
export interface GradcheckInputs<C extends Captures = never> extends FlexOptions<C>, GradOptions {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
export interface GradcheckOptions {
  readonly tolerance?: number;
  readonly elements?: number;
  readonly step?: number;
  readonly seed?: number;
}
export interface GradcheckReport {
  readonly ok: boolean;
  readonly tolerance: number;
  readonly worst: readonly {
    readonly name: string;
    readonly index: readonly number[];
    readonly analytic: number;
    readonly numeric: number;
    readonly error: number;
  }[];
  toText(): string;
}
export interface Manifest {
  readonly counts: {
    readonly total: number;
    readonly quick: number;
    readonly full: number;
    readonly browser: number;
  };
  readonly groups: Readonly<Record<string, {
    readonly count: number;
    readonly quick: readonly string[];
    readonly full: readonly string[];
  }>>;
}
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly last: CaseReport;
}
export interface ReferenceOptions {
  readonly scale?: number | NdArray;
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: "start" | "end";
  readonly softcap?: number | NdArray;
  readonly alibiSlopes?: NdArray;
  readonly sinks?: NdArray;
  readonly dropout?: ReferenceDropout;
  readonly selectedKeys?: NdArray;
  readonly selectedBlockSize?: number;
  readonly scoreMod?: (score: number, b: number, h: number, q: number, kv: number, info: SeqInfo) => number;
  readonly maskMod?: (b: number, h: number, q: number, kv: number, info: SeqInfo) => boolean;
}
export interface ReferenceProblem {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  readonly format?: "int8" | "int4";
  readonly cuSeqlensQ?: Int32Array;
  readonly cuSeqlensK?: Int32Array;
  readonly seqUsedK?: Int32Array;
  readonly blockTable?: Int32Array;
  readonly options: ReferenceOptions;
}
export interface RunOptions extends Selection {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}
export interface Selection {
  readonly filter?: string | readonly string[];
  readonly tier?: "quick" | "full";
  readonly dtype?: FloatDType;
  readonly tag?: string;
}
// #endregion

// #region Functions
export declare function gradcheck<C extends Captures = {}>(fn: (q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<Captures> & GradOptions) => AttentionResult & Differentiable<FlexGradients>, inputs: GradcheckInputs<C>, options?: GradcheckOptions): Promise<GradcheckReport>;
export declare function manifestOf(cases: readonly Case[]): Manifest;
export declare function referenceAttention(problem: ReferenceProblem): Required<AttentionState>;
export declare function runConformance(gpu: Gpu, options?: RunOptions): Promise<ConformanceReport>;
export declare function selectCases(selection?: Selection): Case[];
// #endregion

// #region Referenced (internal)
type FloatDType = "f32" | "f16" | "bf16";
interface ReferenceDropout {
  readonly rate: number;
  readonly seed: number;
}
// #endregion
