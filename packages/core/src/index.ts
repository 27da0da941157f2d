export { openGpu, type OpenGpuOptions } from './device/open-gpu.ts';
export type { PageFormat } from './paged/page-format.ts';
export type { PagedKvView } from './paged/paged-view.ts';
export type {
  Capabilities,
  Limits,
  SubgroupMatrixConfig,
  TunedAdapter,
  Tuning,
  TuningEntry,
} from './text/capabilities.ts';
export type { DType, DTypeOf, ReadArray, TypedArray } from './text/dtype.ts';
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
} from './text/errors.ts';
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
} from './text/gpu.ts';
