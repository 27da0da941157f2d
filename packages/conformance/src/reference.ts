// The subpath `@heed/conformance/reference`: attention on the CPU, and how far a result may be from it.
export { type Budget, type Expected, expected, gradientBudget } from './budget/error-budgets.ts';
export { type Check, near } from './budget/output-checks.ts';
export type { NdArray } from './reference/nd-array.ts';
export { type FloatDType, toStorage } from './reference/number-types.ts';
export { naiveAttention, referenceAttention } from './reference/reference-attention.ts';
export {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from './reference/reference-gradients.ts';
export type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from './reference/reference-problem.ts';
export { permutation, type Random, random } from './reference/pseudo-random.ts';
