/** The public declarations of `@heed/conformance/reference`, by tools/api.mjs. */
// #region Interfaces
export interface AttentionState {
  readonly out: NdArray;
  readonly lse: NdArray;
  readonly max?: NdArray;
}
export interface Budget {
  readonly limit: number;
  readonly naiveError: number;
  readonly allowance: number;
}
export interface Check {
  readonly label: string;
  readonly ok: boolean;
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
}
export interface Expected extends AttentionState {
  readonly budgets: {
    readonly out: Budget;
    readonly lse: Budget;
    readonly max?: Budget;
  };
}
export interface Gradients {
  readonly dq: NdArray;
  readonly dk: NdArray;
  readonly dv: NdArray;
  readonly dSinks?: NdArray;
  readonly dAlibiSlopes?: NdArray;
  readonly dScale?: NdArray;
  readonly dSoftcap?: NdArray;
}
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}
export interface Random {
  uniform(): number;
  normal(): number;
  below(n: number): number;
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
export interface ResultGradients {
  readonly dOut: NdArray;
  readonly dLse?: NdArray;
}
// #endregion

// #region Types
export type FloatDType = "f32" | "f16" | "bf16";
// #endregion

// #region Functions
export declare function expected(reference: AttentionState, naive: AttentionState, dtype: FloatDType): Expected;
export declare function gradientBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget;
export declare function naiveAttention(problem: ReferenceProblem): Required<AttentionState>;
export declare function naiveGradients(problem: ReferenceProblem, by: ResultGradients, storage?: FloatDType): Gradients;
export declare function near(label: string, got: NdArray, want: NdArray, { limit, naiveError, allowance }: Budget): Check;
export declare function permutation(n: number, source: Random): Int32Array;
export declare function random(seed: number): Random;
export declare function referenceAttention(problem: ReferenceProblem): Required<AttentionState>;
export declare function referenceGradients(problem: ReferenceProblem, by: ResultGradients): Gradients;
export declare function toStorage(x: number, dtype: FloatDType): number;
// #endregion

// #region Referenced (internal)
interface ReferenceDropout {
  readonly rate: number;
  readonly seed: number;
}
// #endregion
