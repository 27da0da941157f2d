export { placeholder } from './host/kernel-buffers.ts';
export { poisonMemory } from './host/poison.ts';
export type { BufferRange } from './text/buffer-range.ts';
export { detachedStorage, uploadStorage } from './host/kernel-buffers.ts';
export { breathing } from './host/completion.ts';
export { assertUsable, isGpu, unlessLost } from './host/gpu-state.ts';
export { bindTensor } from './tensor/bind-tensor.ts';
export {
  dispatch,
  encode,
  flush,
  getKernel,
  getKernelAsync,
  kernelCount,
} from './host/dispatch.ts';
export { dispatchGrid, threadGrid } from './host/dispatch.ts';
export { warmup, type WarmupOptions } from './device/warmup.ts';
export type { BindingKind, Dispatch, Kernel, KernelSource } from './text/kernel-dispatch.ts';
export { threadMain, WORKGROUP } from './text/wgsl.ts';
export { bytesPerElement } from './text/dtype.ts';
export { fail, show } from './text/errors.ts';
export { fromHalf, packHalves, toHalf, unpackHalves } from './text/dtype.ts';
export {
  elementCount,
  elementExtent,
  formatShape,
  isContiguous,
  rowMajorStrides,
} from './text/shape.ts';
export { didYouMean, knownNames } from './text/read-options.ts';
export { type Meant, type NamesOf, type OptionNames, optionsOf } from './text/read-options.ts';
export { narrowed } from './text/read-options.ts';
export { copyOf, readOptions } from './text/read-options.ts';
export type { BoundTensor } from './text/buffer-range.ts';
export { checkTensor, type TensorRules } from './tensor/check-tensor.ts';
export { knownList, setKnownList } from './tensor/check-tensor.ts';
export { tryEmpty } from './tensor/create-tensor.ts';
export { scoped, unscoped } from './tensor/tensor-scope.ts';
export { adopt, isTensor } from './tensor/tensor.ts';
export { memoized } from './text/wgsl.ts';
export { numberedSource } from './text/wgsl.ts';
export { roundF16 } from './text/wgsl.ts';
export { sections } from './text/wgsl.ts';
export { wgsl, type WgslPart } from './text/wgsl.ts';
