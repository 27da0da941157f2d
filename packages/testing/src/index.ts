import './task-meta.ts';

export { bare, docstringExamples, statementsOf } from './docs/docstrings.ts';
export {
  codeBlocks,
  type GuideExample,
  guideExamples,
  sectionsOf,
  tableRows,
  trimmed,
} from './docs/guide.ts';
export { printedBy, shown } from './docs/printed.ts';
export { takeGpuErrors } from './gpu-errors.ts';
export { describeMismatch, type TensorMatch } from './mismatch.ts';
export { nagaGaps } from './naga-gaps.ts';
export { Rng } from './rng.ts';
export { readableOnce, scribble } from './scribble.ts';
export { type Call, methodOf, strangers } from './strangers.ts';
export { ownGpu, testGpu } from './test-gpu.ts';
export { isFullRun, testTier } from './tier.ts';
export { toMatchTensor } from './to-match-tensor.ts';
export { bareVars, unpairedBracket, untidiness, withoutComments } from './wgsl-text.ts';
