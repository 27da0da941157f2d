export { type Call, methodOf, readableOnce, scribble, strangers } from './bad-arguments.ts';
export {
  bare,
  codeBlocks,
  docstringExamples,
  type GuideExample,
  guideExamples,
  printedBy,
  sectionsOf,
  shown,
  statementsOf,
  tableRows,
  trimmed,
} from './document-texts.ts';
export { describeMismatch, type TensorMatch, toMatchTensor } from './match-tensor.ts';
export { recordingDevice, type RecordingDevice } from './recording-device.ts';
export { Rng } from './rng.ts';
export { ownGpu, takeGpuErrors, testGpu } from './test-gpu.ts';
export { bits, type Qkv, TensorSource } from './test-tensors.ts';
export { isFullRun, testTier } from './tier.ts';
export { bareVars, nagaGaps, unpairedBracket, untidiness, withoutComments } from './wgsl-lint.ts';
