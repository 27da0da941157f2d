/** The public declarations of `@heed/conformance`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionState {
  readonly out: NdArray;
  readonly lse: NdArray;
}
export interface Budget {
  readonly limit: number;
  readonly naiveError: number;
  readonly allowance: number;
}
export interface Case {
  readonly id: string;
  readonly group: string;
  readonly tier: Tier;
  readonly dtype: FloatDType;
  readonly tags: readonly string[];
  readonly run: (context: CaseContext) => Promise<CaseResult>;
}
export interface CaseContext {
  readonly gpu: Gpu;
  readonly signal?: AbortSignal;
}
export interface CaseReport extends CaseResult {
  readonly id: string;
  readonly ms: number;
  readonly outputs?: Readonly<Record<string, string>>;
}
export interface CaseResult {
  readonly status: "pass" | "fail" | "unsupported";
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
}
export interface Check {
  readonly label: string;
  readonly ok: boolean;
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
}
export interface Comparison {
  readonly label: string;
  readonly shape: readonly number[];
  readonly got: ArrayLike<number>;
  readonly want: ArrayLike<number>;
  readonly isBad: (got: number, want: number) => boolean;
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
export interface Expected extends AttentionState {
  readonly budgets: {
    readonly out: Budget;
    readonly lse: Budget;
  };
}
export interface GradcheckElement {
  readonly name: string;
  readonly index: readonly number[];
  readonly analytic: number;
  readonly numeric: number;
  readonly error: number;
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
  readonly worst: readonly GradcheckElement[];
  toText(): string;
}
export interface Gradients {
  readonly dq: NdArray;
  readonly dk: NdArray;
  readonly dv: NdArray;
  readonly dSinks?: NdArray;
  readonly dAlibiSlopes?: NdArray;
}
export interface Lengths {
  readonly cuSeqlensQ?: Int32Array;
  readonly cuSeqlensK?: Int32Array;
  readonly seqUsedK?: Int32Array;
  readonly blockTable?: Int32Array;
}
export interface Manifest {
  readonly counts: {
    readonly total: number;
    readonly quick: number;
    readonly full: number;
    readonly browser: number;
  };
  readonly groups: Readonly<Record<string, ManifestGroup>>;
}
export interface ManifestGroup {
  readonly count: number;
  readonly quick: readonly string[];
  readonly full: readonly string[];
}
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}
export interface Problem extends Lengths {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  readonly format?: QuantFormat;
  readonly options: ReferenceOptions;
}
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly last: CaseReport;
}
export interface Random {
  uniform(): number;
  normal(): number;
  below(n: number): number;
}
export interface ReferenceOptions {
  readonly scale?: number;
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: "start" | "end";
  readonly softcap?: number;
  readonly alibiSlopes?: NdArray;
  readonly sinks?: NdArray;
  readonly scoreMod?: ReferenceScoreMod;
  readonly maskMod?: ReferenceMaskMod;
}
export interface ResultGradients {
  readonly dOut: NdArray;
  readonly dLse?: NdArray;
}
export interface RunOptions extends Selection {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}
export interface Selection {
  readonly filter?: string | readonly string[];
  readonly tier?: Tier;
  readonly dtype?: FloatDType;
  readonly tag?: string;
}
export interface SequenceInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}
// #endregion

// #region Types
export type FloatDType = "f32" | "f16";
export type GradcheckFunction = (q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<Captures> & GradOptions) => AttentionResult & Differentiable<FlexGradients>;
export type QuantFormat = "int8" | "int4";
export type ReferenceMaskMod = (b: number, h: number, q: number, kv: number, info: SequenceInfo) => boolean;
export type ReferenceScoreMod = (score: number, b: number, h: number, q: number, kv: number, info: SequenceInfo) => number;
export type Tier = "quick" | "full";
// #endregion

// #region Functions
export declare function dequantise(words: NdArray, dim: number, format: QuantFormat): NdArray;
export declare function difference(got: number, want: number): number;
export declare function expected(reference: AttentionState, naive: AttentionState, dtype: FloatDType): Expected;
export declare function f16Bits(x: number): number;
export declare function f16Value(bits: number): number;
export declare function finite(label: string, got: NdArray): Check;
export declare function gradcheck<C extends Captures = {}>(fn: GradcheckFunction, inputs: GradcheckInputs<C>, options?: GradcheckOptions): Promise<GradcheckReport>;
export declare function gradientBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget;
export declare function holds(label: string, ok: boolean, report: string): Check;
export declare function lseBudget(reference: NdArray, naive: NdArray): Budget;
export declare function manifestOf(cases: readonly Case[]): Manifest;
export declare function mismatchTable(comparison: Comparison): string;
export declare function naiveAttention(problem: Problem): AttentionState;
export declare function naiveGradients(problem: Problem, by: ResultGradients, storage?: FloatDType): Gradients;
export declare function naiveMerge(states: readonly AttentionState[]): AttentionState;
export declare function near(label: string, got: NdArray, want: NdArray, { limit, naiveError, allowance }: Budget): Check;
export declare function outBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget;
export declare function permutation(n: number, source: Random): Int32Array;
export declare function quantise(values: NdArray, format: QuantFormat): NdArray;
export declare function random(seed: number): Random;
export declare function referenceAttention(problem: Problem): AttentionState;
export declare function referenceGradients(problem: Problem, by: ResultGradients): Gradients;
export declare function referenceMerge(states: readonly AttentionState[]): AttentionState;
export declare function roundToF16(x: number): number;
export declare function runCase(gpu: Gpu, { id, run }: Case, signal?: AbortSignal): Promise<CaseReport>;
export declare function runConformance(gpu: Gpu, options?: RunOptions): Promise<ConformanceReport>;
export declare function sameBits(label: string, got: NdArray, want: NdArray): Check;
export declare function sameRun(label: string, got: AttentionState, want: AttentionState): Check[];
export declare function selectCases(selection?: Selection): Case[];
export declare function toStorage(x: number, dtype: FloatDType): number;
export declare function ulp(x: number, dtype: FloatDType): number;
export declare function withinBudget(label: string, got: AttentionState, want: Expected): Check[];
// #endregion

// #region Variables
export declare const allCases: readonly Case[];
// #endregion
