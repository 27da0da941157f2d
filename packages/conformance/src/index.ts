export type { Case, CaseReport } from './cases/shared/case.ts';
export type { GradcheckInputs } from './gradcheck/gradcheck-inputs.ts';
export type { GradcheckReport } from './gradcheck/gradcheck-report.ts';
export { gradcheck, type GradcheckOptions } from './gradcheck/gradcheck.ts';
export type { NdArray } from './reference/nd-array.ts';
export { referenceAttention } from './reference/reference-attention.ts';
export type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from './reference/reference-problem.ts';
export {
  type ConformanceReport,
  type Progress,
  runConformance,
  type RunOptions,
} from './run/run-conformance.ts';
export { type Manifest, manifestOf, selectCases, type Selection } from './run/select-cases.ts';
