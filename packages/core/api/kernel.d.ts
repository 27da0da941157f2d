/** The public declarations of `@heed/core/kernel`, by tools/api.mjs. */
// #region Interfaces
export interface BindGroup {
  readonly group: GPUBindGroup;
  readonly isOwned: boolean;
  isProven: boolean;
  isRefused: boolean;
}
export interface BoundDispatch extends Pick<Dispatch, "kernel" | "workgroups" | "label"> {
  readonly bindGroup: BindGroup;
}
export interface BoundTensor {
  readonly range: BufferRange;
  readonly elementOffset: number;
}
export interface BufferCopy {
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly size: number;
}
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
  readonly owned?: boolean;
}
export interface Dispatch {
  readonly kernel: Kernel;
  readonly buffers: readonly BufferRange[];
  readonly params?: Uint32Array;
  readonly workgroups: readonly [x: number, y: number, z: number];
  readonly label?: string;
}
export interface Kernel {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly source: KernelSource;
}
export interface KernelSource {
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly BindingKind[];
  readonly entryPoint?: string;
  readonly readsToEnd?: boolean;
  readonly uniformBytes?: number;
}
export interface OptionNames {
  readonly [name: string]: OptionKind;
}
export interface PrefixGroup {
  readonly members: readonly number[];
  readonly pages: number;
}
export interface TensorRules {
  readonly rank?: number | readonly number[];
  readonly dtype?: readonly DType[];
  readonly gpu?: Gpu;
}
export interface WarmupOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, label: string) => void;
}
// #endregion

// #region Types
export type BindingKind = "read" | "write" | "uniform";
export type FloatType = Exclude<DType, "i32" | "u32">;
export type HalfType = Exclude<FloatType, "f32">;
export type Meant = () => Readonly<Record<string, string>>;
export type NamesOf<O> = { readonly [Name in keyof O]-?: OptionKind; };
export type QuantFormat = "int8" | "int4";
export type WgslPart = string | number | boolean | null | undefined | readonly WgslPart[];
// #endregion

// #region Classes
export declare class SharedPrefixes {
  readonly groups: readonly PrefixGroup[];
  constructor(groups: readonly PrefixGroup[]);
}
// #endregion

// #region Functions
export declare function adopt<D extends DType>(view: Tensor<D>): Tensor<D>;
export declare function assertAlive(fn: string, t: Tensor, name?: string): void;
export declare function assertUsable(gpu: Gpu): void;
export declare function bindDispatch(gpu: Gpu, d: Dispatch): BoundDispatch;
export declare function bindTensor(t: Tensor, bytesPerLoad?: number): BoundTensor;
export declare function breathing<T>(info: GPUAdapterInfo | undefined, work: Promise<T>): Promise<T>;
export declare function checkNarrow<T>(fn: string, name: string, x: T): asserts x is Exclude<T, BigInt64Array>;
export declare function checkPageFormat(fn: string, name: string, format: unknown, fix: string): PageFormat;
export declare function checkRowWords(fn: string, name: string, shape: readonly number[], format: QuantFormat, dim: number): void;
export declare function checkTensor(fn: string, name: string, t: unknown, rules?: TensorRules): Tensor;
export declare function copyBuffers(gpu: Gpu, label: string, copies: readonly BufferCopy[]): void;
export declare function copyOf<T>(x: T, seen?: Map<unknown, unknown>): T;
export declare function detachedStorage(gpu: Gpu, data: ArrayBufferView): BufferRange;
export declare function didYouMean(name: string, names: readonly string[]): string;
export declare function dispatch(gpu: Gpu, d: Dispatch): void;
export declare function dispatchGrid(gpu: Gpu, total: number): [x: number, y: number, z: number];
export declare function elementCount(shape: readonly number[]): number;
export declare function elementExtent(shape: readonly number[], strides: readonly number[]): number;
export declare function encodeBound(gpu: Gpu, pass: GPUComputePassEncoder, list: readonly BoundDispatch[]): void;
export declare function fail(fn: string, rule: string, got: string | number, fix: string): never;
export declare function flush(gpu: Gpu): void;
export declare function formatShape(shape: readonly number[]): string;
export declare function fromHalf(half: number, type?: HalfType): number;
export declare function getKernel(gpu: Gpu, source: KernelSource): Kernel;
export declare function getKernelAsync(gpu: Gpu, source: KernelSource, signal?: AbortSignal): Promise<Kernel>;
export declare function hasEvenRows(dtype: DType, { f16 }: {
  readonly f16: boolean;
}): boolean;
export declare function isColumnsOf(part: Tensor, whole: Tensor): boolean;
export declare function isContiguous(shape: readonly number[], strides: readonly number[]): boolean;
export declare function isGpu(x: unknown): x is Gpu;
export declare function isHalf(dtype: string): dtype is HalfType;
export declare function isPagedView(k: Tensor | PagedKvView): k is PagedKvView;
export declare function isQuantised(format: PageFormat): format is QuantFormat;
export declare function isShapeOnly(t: Tensor): boolean;
export declare function isTensor(x: unknown): x is Tensor;
export declare function kernelCount(gpu: Gpu): number;
export declare function knownList(list: Int32Array | Tensor | undefined): Int32Array | undefined;
export declare function knownNames(name: string, names: readonly string[]): string;
export declare function launchBound(gpu: Gpu, list: readonly BoundDispatch[]): void;
export declare function memoized<Config, Source extends KernelSource>(key: (config: Config) => string, make: (config: Config) => Source): (config: Config) => Source;
export declare function narrowed<T>(x: T): T | Int32Array;
export declare function numberedSource(code: string): string;
export declare function optionsOf(where: string, names: object): Record<string, string>;
export declare function packHalves(data: ArrayLike<number>, type?: HalfType): Uint16Array<ArrayBuffer>;
export declare function placeholder(gpu: Gpu, kind: "read" | "write"): BufferRange;
export declare function poisonMemory(gpu: Gpu, on?: boolean): () => void;
export declare function poolDType(format: PageFormat): FloatType | "u32";
export declare function readOptions<O extends object>(fn: string, given: O | undefined, names: NamesOf<O>, meant?: Meant, what?: string): O;
export declare function retyped(t: Tensor, view: Omit<View, "byteOffset">, label: string): Tensor;
export declare function roundHalf(type: HalfType): string;
export declare function rowElements(format: PageFormat, dim: number): number;
export declare function rowMajorStrides(shape: readonly number[], evenRows?: boolean): number[];
export declare function rowWords(format: PageFormat, dim: number): number;
export declare function scoped<T extends Disposable>(gpu: Gpu, thing: T): T;
export declare function sections(...parts: readonly (string | false | undefined)[]): string;
export declare function setKnownList(tensor: Tensor, values: Int32Array): void;
export declare function shapeTensor(gpu: Gpu, shape: readonly number[], dtype?: DType): Tensor;
export declare function show(value: unknown): string;
export declare function threadGrid(gpu: Gpu, threads: number): [x: number, y: number, z: number];
export declare function threadMain(name: string, body: string): string;
export declare function toHalf(x: number, type?: HalfType): number;
export declare function tryEmpty(fn: string, gpu: Gpu, shape: readonly number[], { dtype, label }?: EmptyOptions): Promise<Tensor | undefined>;
export declare function unlessLost<T>(gpu: Gpu, work: Promise<T>, signal?: AbortSignal): Promise<T>;
export declare function unpackHalf(type: HalfType, word: string): string;
export declare function unpackHalves(halves: Uint16Array, type?: HalfType): Float32Array<ArrayBuffer>;
export declare function unscoped<T>(gpu: Gpu, make: () => T): T;
export declare function uploadStorage(gpu: Gpu, data: ArrayBufferView): BufferRange;
export declare function warmup(gpu: Gpu, sources: readonly KernelSource[], options?: WarmupOptions, fn?: string): Promise<void>;
export declare function wgsl(strings: TemplateStringsArray, ...parts: WgslPart[]): string;
// #endregion

// #region Variables
export declare const bytesPerElement: Readonly<Record<DType, 2 | 4>>;
export declare const floatTypes: readonly FloatType[];
export declare const MAX_HEAD_DIM: number;
export declare const pageFormats: readonly PageFormat[];
export declare const valuesPerWord: Readonly<Record<QuantFormat, number>>;
export declare const WORKGROUP: number;
// #endregion

// #region Referenced (internal)
interface BytesOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly label?: string;
}
interface Capabilities {
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
declare class DeviceLostError extends HeedError {
  readonly reason: string;
  constructor(message: string, reason: string, options?: ErrorOptions);
}
type DType = "f32" | "f16" | "bf16" | "i32" | "u32";
type DTypeOf<Data> = Data extends Int32Array | BigInt64Array ? "i32" : Data extends Uint32Array | BigUint64Array ? "u32" : Data extends number[] | Float32Array | Float64Array ? "f32" : DType;
interface EmptyOptions<D extends DType = DType> {
  readonly dtype?: D;
  readonly label?: string;
}
type ErrorCode = "validation" | "unsupported" | "limit" | "compile" | "capacity" | "device-lost" | "disposed" | "gpu";
interface Gpu extends Disposable {
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
declare class HeedError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions);
  static is(x: unknown): x is HeedError;
}
type Limits = Readonly<Record<(typeof limitNames)[number], number>>;
interface Memory {
  readonly tensors: number;
  readonly bytes: number;
  readonly pooledBytes: number;
  readonly peakBytes: number;
}
type OptionKind = 1 | "data" | OptionNames;
interface PagedKvView {
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
type PageFormat = FloatType | QuantFormat;
interface Profile<T> {
  readonly result: T;
  readonly spans: Span[];
}
type ReadArray<D extends DType = DType> = D extends "i32" ? Int32Array : D extends "u32" ? Uint32Array : Float32Array;
interface ReadOptions {
  readonly signal?: AbortSignal;
}
interface Span {
  readonly label: string;
  readonly ms: number;
  readonly source: "timestamp" | "wall";
}
interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}
interface Tensor<D extends DType = DType> extends Disposable {
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
interface TensorOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype?: D;
  readonly label?: string;
}
type TunedAdapter = Pick<Capabilities["adapter"], "vendor" | "architecture" | "device" | "description">;
interface Tuning {
  readonly version: 1;
  readonly adapter?: TunedAdapter;
  readonly force?: {
    readonly path?: string;
  };
  readonly entries?: Readonly<Record<string, TuningEntry>>;
}
type TuningEntry = Readonly<Record<string, number | string | boolean>>;
type TypedArray = BigInt64Array | BigUint64Array | Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint8ClampedArray | Uint16Array | Uint32Array;
interface View {
  readonly byteOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: DType;
}
interface WrapOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly strides?: readonly number[];
  readonly byteOffset?: number;
  readonly label?: string;
}
// #endregion
