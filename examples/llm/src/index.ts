export { type CheckpointFolder, optionalJson } from './checkpoint/checkpoint-folder.ts';
export type { ModelConfig } from './checkpoint/model-config.ts';
export { type ChatMessage, ChatTokenizer } from './generation/chat-tokenizer.ts';
export { generate, type GenerateOptions } from './generation/generate.ts';
export {
  type GenerationConfig,
  readGenerationConfig,
  sampleToken,
  type Sampling,
} from './generation/sampling.ts';
export { type TopLogits, topLogits } from './kernels/top-logits.ts';
export {
  LanguageModel,
  type LoadOptions,
  type ModelCacheOptions,
  type NewTokens,
} from './model/language-model.ts';
export type { FinishReason, ServedAnswer, ServeRequest } from './serving/answer-lane.ts';
export { answerText } from './serving/answer-text.ts';
export { type EngineOptions, type EngineStats, ServeEngine } from './serving/serve-engine.ts';
