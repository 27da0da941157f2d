export { attention, attentionVjp, varlenAttention, varlenAttentionVjp } from './api/attention.ts';
export type { AttentionGradients, Differentiable } from './api/differentiable.ts';
export {
  attentionWeights,
  type AttentionWeightsOptions,
  keyMass,
  type KeyMassOptions,
} from './api/attention-weights.ts';
export { mergeStates } from './api/merge-states.ts';
export { topKeys, type TopKeysOptions } from './api/top-keys.ts';
export type {
  AttentionOptions,
  AttentionResult,
  VarlenLayout,
  VarlenOptions,
  ViewOptions,
} from './host/attention-options.ts';
export type { Gradients } from './host/backward-pass.ts';
export type { AttentionProblem, AttentionTensors } from './plan/attention-problem.ts';
export type { AttentionPlan } from './plan/make-plan.ts';
export type { AttentionRecording } from './plan/attention-recording.ts';
export { type DifferentiablePlan, planAttention } from './plan/plan-attention.ts';
export type { Dropout } from './host/options/dropout.ts';
export type {
  DropHook,
  Hook,
  MaskHook,
  RowConstant,
  ScoreHook,
  VariantHooks,
} from './text/parts/hook.ts';
export type { WarmupOptions } from '@heed/core/kernel';
export type { Tunable } from './tune/sample.ts';
export { type TuneCandidates, tuneCandidates } from './tune/tile-candidates.ts';
export { tune } from './tune/tune.ts';
export type { CandidateReport, TuneOptions, TuneReport } from './tune/tune-options.ts';
