export { attention } from './api/attention.ts';
export { attentionVjp } from './api/attention-vjp.ts';
export type { AttentionGradients, Differentiable } from './api/vjp.ts';
export { mergeStates } from './api/merge-states.ts';
export type {
  AttentionOptions,
  AttentionResult,
  VarlenLayout,
  VarlenOptions,
  ViewOptions,
} from './api/options.ts';
export { varlenAttention } from './api/varlen-attention.ts';
export { varlenAttentionVjp } from './api/varlen-attention-vjp.ts';
export type { Hook, MaskHook, RowConstant, ScoreHook, VariantHooks } from './hooks/contract.ts';
export type { AttentionPlan } from './plan/make-plan.ts';
export { type AttentionTensors, type DifferentiablePlan, planAttention } from './plan/plan.ts';
export type { AttentionProblem } from './plan/problem.ts';
export type { Gradients } from './run/backward.ts';
export type { WarmupOptions } from '@heed/core/kernel';
export { type TuneCandidates, tuneCandidates } from './tune/candidates.ts';
export type { CandidateReport, TuneOptions, TuneReport } from './tune/options.ts';
export type { Tunable } from './tune/tunable.ts';
export { tune } from './tune/tune.ts';
