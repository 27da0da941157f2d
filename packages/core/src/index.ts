export type {
  BytesOptions,
  EmptyOptions,
  Gpu,
  Memory,
  Profile,
  ReadOptions,
  Span,
  Tensor,
  TensorOptions,
  WrapOptions,
} from './api.ts';
export type { Capabilities, Limits, SubgroupMatrixConfig } from './device/capabilities.ts';
export { openGpu, type OpenGpuOptions } from './device/open.ts';
export type { DType, DTypeOf, ReadArray, TypedArray } from './dtype.ts';
export {
  CapacityError,
  CompileError,
  DeviceLostError,
  DisposedError,
  type ErrorCode,
  GpuError,
  HeedError,
  LimitError,
  type SourcePlace,
  UnsupportedError,
  ValidationError,
} from './errors.ts';
export type { PagedKvView } from './paged/view.ts';
export type { TunedAdapter, Tuning, TuningEntry } from './tuning.ts';
