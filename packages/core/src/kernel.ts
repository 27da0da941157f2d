export { warmup, type WarmupOptions } from './device/warmup.ts';
export type { BindGroup } from './host/bind-groups.ts';
export { breathing } from './host/completion.ts';
export { type BufferCopy, copyBuffers } from './host/copy-buffers.ts';
export {
  bindDispatch,
  dispatch,
  dispatchGrid,
  encodeBound,
  flush,
  getKernel,
  getKernelAsync,
  kernelCount,
  launchBound,
  threadGrid,
} from './host/dispatch.ts';
export { assertUsable, isGpu, unlessLost } from './host/gpu-state.ts';
export { detachedStorage, placeholder, uploadStorage } from './host/kernel-buffers.ts';
export { poisonMemory } from './host/poison.ts';
export type { BoundDispatch } from './host/recorder.ts';
export {
  checkPageFormat,
  checkRowWords,
  isQuantised,
  MAX_HEAD_DIM,
  pageFormats,
  poolDType,
  type QuantFormat,
  rowElements,
  rowWords,
  valuesPerWord,
} from './paged/page-format.ts';
export { isPagedView } from './paged/paged-view.ts';
export { type PrefixGroup, SharedPrefixes } from './paged/shared-prefixes.ts';
export { bindTensor } from './tensor/bind-tensor.ts';
export { checkTensor, knownList, setKnownList, type TensorRules } from './tensor/check-tensor.ts';
export { shapeTensor, tryEmpty } from './tensor/create-tensor.ts';
export { scoped, unscoped } from './tensor/tensor-scope.ts';
export {
  adopt,
  assertAlive,
  isColumnsOf,
  isShapeOnly,
  isTensor,
  retyped,
} from './tensor/tensor.ts';
export type { BoundTensor, BufferRange } from './text/buffer-range.ts';
export {
  bytesPerElement,
  type FloatType,
  floatTypes,
  type HalfType,
  hasEvenRows,
  isHalf,
} from './text/dtype.ts';
export { fail, show } from './text/errors.ts';
export { fromHalf, packHalves, toHalf, unpackHalves } from './text/half-floats.ts';
export { roundHalf, unpackHalf } from './text/half-floats.wgsl.ts';
export type { BindingKind, Dispatch, Kernel, KernelSource } from './text/kernel-dispatch.ts';
export {
  checkNarrow,
  copyOf,
  didYouMean,
  knownNames,
  type Meant,
  type NamesOf,
  narrowed,
  type OptionNames,
  optionsOf,
  readOptions,
} from './text/read-options.ts';
export {
  elementCount,
  elementExtent,
  formatShape,
  isContiguous,
  rowMajorStrides,
} from './text/shape.ts';
export {
  memoized,
  numberedSource,
  sections,
  threadMain,
  wgsl,
  type WgslPart,
  WORKGROUP,
} from './text/wgsl.ts';
