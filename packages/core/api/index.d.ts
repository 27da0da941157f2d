/** The public declarations of `@heed/core`, by tools/api.mjs. */
// #region Interfaces
export interface BytesOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly label?: string;
}
export interface Capabilities {
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
  readonly f16: boolean;
  readonly subgroups: {
    readonly min: number;
    readonly max: number;
  } | undefined;
  readonly subgroupSizeControl: boolean;
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  readonly integerDots: boolean;
  readonly timestampQuery: boolean;
  readonly limits: Limits;
}
export interface EmptyOptions<D extends DType = DType> {
  readonly dtype?: D;
  readonly label?: string;
}
export interface Gpu extends Disposable {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning | undefined;
  readonly label: string;
  readonly lost: Promise<DeviceLostError>;
  tensor<Data extends ArrayLike<number> | TypedArray, D extends DType = DTypeOf<Data>>(data: Data, options: TensorOptions<D>): Tensor<D>;
  fromBytes<D extends DType>(bytes: ArrayBufferView | ArrayBuffer, options: BytesOptions<D>): Tensor<D>;
  empty<D extends DType = "f32">(shape: readonly number[], options?: EmptyOptions<D>): Tensor<D>;
  wrap<D extends DType>(buffer: GPUBuffer, options: WrapOptions<D>): Tensor<D>;
  batch<T>(fn: () => T): T;
  scope<T>(fn: () => T): T;
  memory(): Memory;
  settled(): Promise<void>;
  profile<T>(fn: () => T): Promise<Profile<T>>;
  dispose(): void;
}
export interface Memory {
  readonly tensors: number;
  readonly bytes: number;
  readonly pooledBytes: number;
  readonly peakBytes: number;
}
export interface OpenGpuOptions {
  readonly device?: GPUDevice;
  readonly adapter?: GPUAdapter;
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
  readonly tuning?: Tuning;
  readonly onError?: (error: HeedError) => void;
  readonly label?: string;
}
export interface PagedKvView {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly blockTable: Tensor;
  readonly seqUsedK: Tensor;
  readonly cuSeqlensQ?: Tensor;
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly format: PageFormat;
  readonly formatV?: PageFormat;
  readonly headDim: number;
  readonly headDimV: number;
  readonly window?: number;
  readonly sinkTokens?: number;
  readonly sharedKv?: boolean;
  readonly cascade?: unknown;
}
export interface Profile<T> {
  readonly result: T;
  readonly spans: Span[];
}
export interface ReadOptions {
  readonly signal?: AbortSignal;
}
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}
export interface Span {
  readonly label: string;
  readonly ms: number;
  readonly source: "timestamp" | "wall";
}
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}
export interface Tensor<D extends DType = DType> extends Disposable {
  readonly gpu: Gpu;
  readonly buffer: GPUBuffer;
  readonly byteOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: D;
  readonly label: string;
  read(options?: ReadOptions): Promise<ReadArray<D>>;
  permute(axes: readonly number[]): Tensor<D>;
  slice(axis: number, start: number, end: number): Tensor<D>;
  reshape(shape: readonly number[]): Tensor<D>;
  dispose(): void;
}
export interface TensorOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype?: D;
  readonly label?: string;
}
export interface Tuning {
  readonly version: 1;
  readonly adapter?: TunedAdapter;
  readonly force?: {
    readonly path?: string;
  };
  readonly entries?: Readonly<Record<string, TuningEntry>>;
}
export interface WrapOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly strides?: readonly number[];
  readonly byteOffset?: number;
  readonly label?: string;
}
// #endregion

// #region Types
export type DType = "f32" | "f16" | "bf16" | "i32" | "u32";
export type DTypeOf<Data> = Data extends Int32Array | BigInt64Array ? "i32" : Data extends Uint32Array | BigUint64Array ? "u32" : Data extends number[] | Float32Array | Float64Array ? "f32" : DType;
export type ErrorCode = "validation" | "unsupported" | "limit" | "compile" | "capacity" | "device-lost" | "disposed" | "gpu";
export type Limits = Readonly<Record<(typeof limitNames)[number], number>>;
export type PageFormat = FloatType | QuantFormat;
export type ReadArray<D extends DType = DType> = D extends "i32" ? Int32Array : D extends "u32" ? Uint32Array : Float32Array;
export type TunedAdapter = Pick<Capabilities["adapter"], "vendor" | "architecture" | "device" | "description">;
export type TuningEntry = Readonly<Record<string, number | string | boolean>>;
export type TypedArray = BigInt64Array | BigUint64Array | Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint8ClampedArray | Uint16Array | Uint32Array;
// #endregion

// #region Classes
export declare class CapacityError extends HeedError {
  constructor(message: string, options?: ErrorOptions);
}
export declare class CompileError extends HeedError {
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly length: number | undefined;
  constructor(message: string, options?: ErrorOptions & Partial<SourcePlace>);
}
export declare class DeviceLostError extends HeedError {
  readonly reason: string;
  constructor(message: string, reason: string, options?: ErrorOptions);
}
export declare class DisposedError extends HeedError {
  constructor(message: string, options?: ErrorOptions);
}
export declare class GpuError extends HeedError {
  readonly kind: "validation" | "out-of-memory" | "internal";
  constructor(message: string, kind: GpuError["kind"], options?: ErrorOptions);
}
export declare class HeedError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions);
  static is(x: unknown): x is HeedError;
}
export declare class LimitError extends HeedError {
  constructor(message: string, options?: ErrorOptions);
}
export declare class UnsupportedError extends HeedError {
  constructor(message: string, options?: ErrorOptions);
}
export declare class ValidationError extends HeedError {
  constructor(message: string, options?: ErrorOptions);
}
// #endregion

// #region Functions
export declare function openGpu(options?: OpenGpuOptions): Promise<Gpu>;
// #endregion

// #region Referenced (internal)
type FloatType = Exclude<DType, "i32" | "u32">;
type QuantFormat = "int8" | "int4";
// #endregion
