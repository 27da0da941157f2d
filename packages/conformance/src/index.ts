export {
  type Budget,
  difference,
  type Expected,
  expected,
  gradientBudget,
  lseBudget,
  outBudget,
} from './budget/error-budgets.ts';
export {
  type Check,
  finite,
  holds,
  near,
  sameBits,
  sameRun,
  withinBudget,
} from './budget/output-checks.ts';
export { type Comparison, mismatchTable } from './budget/output-checks.ts';
export type { Case, CaseContext, CaseResult, Tier } from './cases/shared/case.ts';
export { allCases } from './cases/all-cases.ts';
export { gradcheck, type GradcheckFunction, type GradcheckOptions } from './gradcheck/gradcheck.ts';
export type { GradcheckInputs } from './gradcheck/gradcheck-inputs.ts';
export type { GradcheckElement, GradcheckReport } from './gradcheck/gradcheck-report.ts';
export { type Manifest, type ManifestGroup, manifestOf } from './run/select-cases.ts';
export { f16Bits, f16Value, roundToF16 } from './reference/number-types.ts';
export { permutation, type Random, random } from './reference/seeded-random.ts';
export { type FloatDType, toStorage, ulp } from './reference/number-types.ts';
export { naiveAttention, referenceAttention } from './reference/reference-attention.ts';
export {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from './reference/reference-gradients.ts';
export { naiveMerge, referenceMerge } from './reference/reference-attention.ts';
export type { NdArray } from './reference/nd-array.ts';
export type {
  AttentionState,
  Lengths,
  Problem,
  ReferenceMaskMod,
  ReferenceOptions,
  ReferenceScoreMod,
  SequenceInfo,
} from './reference/reference-problem.ts';
export { dequantise, quantise, type QuantFormat } from './reference/stored-rows.ts';
export {
  type CaseReport,
  type ConformanceReport,
  type Progress,
  runCase,
  runConformance,
  type RunOptions,
} from './run/run-conformance.ts';
export { selectCases, type Selection } from './run/select-cases.ts';
