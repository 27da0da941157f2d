export { placeholder } from './buffers/placeholder.ts';
export { poisonMemory } from './buffers/poison.ts';
export type { BufferRange } from './buffers/range.ts';
export { detachedStorage, uploadStorage } from './buffers/upload.ts';
export { breathing } from './device/breathe.ts';
export { assertUsable, isGpu, unlessLost } from './device/state.ts';
export { bindTensor } from './dispatch/bind.ts';
export {
  dispatch,
  encode,
  flush,
  getKernel,
  getKernelAsync,
  kernelCount,
} from './dispatch/dispatch.ts';
export { dispatchGrid } from './dispatch/grid.ts';
export { warmup, type WarmupOptions } from './dispatch/warmup.ts';
export type { BindingKind, Dispatch, Kernel, KernelSource } from './dispatch/kernel.ts';
export { threadGrid, threadMain, WORKGROUP } from './dispatch/threads.ts';
export { bytesPerElement } from './dtype.ts';
export { fail, show } from './fail.ts';
export { fromHalf, packHalves, toHalf, unpackHalves } from './f16.ts';
export {
  elementCount,
  elementExtent,
  formatShape,
  isContiguous,
  rowMajorStrides,
} from './layout/shape.ts';
export { didYouMean, knownNames } from './options/nearest.ts';
export { type Meant, type NamesOf, type OptionNames, optionsOf } from './options/option-names.ts';
export { narrowed } from './options/narrowed.ts';
export { copyOf, readOptions } from './options/read-options.ts';
export type { BoundTensor } from './tensor/bound.ts';
export { checkTensor, type TensorRules } from './tensor/check.ts';
export { knownList, setKnownList } from './tensor/known-list.ts';
export { tryEmpty } from './tensor/make.ts';
export { scoped, unscoped } from './tensor/scope.ts';
export { adopt, isTensor } from './tensor/tensor.ts';
export { memoized } from './wgsl/memo.ts';
export { numberedSource } from './wgsl/numbered.ts';
export { roundF16 } from './wgsl/round-f16.ts';
export { sections } from './wgsl/sections.ts';
export { wgsl, type WgslPart } from './wgsl/template.ts';
