import { ValidationError } from '@heed/core';
import { type NamesOf, readOptions } from '@heed/core/kernel';
import type { KvSequence, PagedKvCache } from '@heed/kvcache';
import { topLogits } from '../kernels/top-logits.ts';
import type { LanguageModel } from '../model/language-model.ts';
import {
  type Candidates,
  candidatesOf,
  checkSampling,
  sampleToken,
  samplingNames,
  type Sampling,
} from './sampling.ts';

/** A text to continue. */
export interface GenerateOptions {
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Most tokens to generate; default: as many as the context holds. */
  readonly maxTokens?: number;
  readonly sampling?: Sampling;
  /** Tokens that end the text; default: those of the model's configuration. */
  readonly endTokens?: readonly number[];
  /** Most tokens of the prompt in a step; default 512. It bounds the memory of a step, and does not change the tokens. */
  readonly chunk?: number;
  readonly signal?: AbortSignal;
}

const generateNames: NamesOf<GenerateOptions> = {
  prompt: 1,
  maxTokens: 1,
  sampling: samplingNames,
  endTokens: 1,
  chunk: 1,
  signal: 1,
};

/**
 * Generates the tokens that follow a prompt, one at a time, the end token included. What the cache holds of the prompt is not computed
 * again.
 * @throws ValidationError an empty prompt, one that leaves no room in the context, sampling out of range
 * @throws CapacityError the cache is too small
 */
export async function* generate(
  model: LanguageModel,
  cache: PagedKvCache,
  options: GenerateOptions,
): AsyncGenerator<number, void, void> {
  const fn = 'generate';
  const { maxTokens, ...rest } = readOptions(fn, options, generateNames);
  const { prompt, sampling = {}, endTokens = model.config.endTokens, chunk = 512, signal } = rest;
  checkSampling(sampling);
  const room = model.context - prompt.length;
  if (prompt.length === 0 || room < 1) {
    throw new ValidationError(
      `generate: the prompt must have 1 to ${model.context - 1} tokens; got ${prompt.length}. Load the model with a larger context.`,
    );
  }
  for (const [name, value] of Object.entries({ maxTokens: maxTokens ?? 1, chunk })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ValidationError(`generate: ${name} must be a whole number above 0; got ${value}.`);
  }
  const count = Math.min(maxTokens ?? room, room);
  const text = [...prompt];
  const seen = new Set(prompt);
  const sequence = cache.open({ tokens: prompt });
  try {
    for (let i = 0; i < count; i++) {
      signal?.throwIfAborted();
      const candidates = await step(model, cache, sequence, text, candidatesOf(sampling), chunk);
      const token = sampleToken(candidates, sampling, text.length, seen);
      text.push(token);
      seen.add(token);
      yield token;
      if (endTokens.includes(token)) return;
    }
  } finally {
    sequence.close();
  }
}

/** Computes the tokens that the sequence lacks, in chunks, and returns the likeliest tokens after the last. */
async function step(
  model: LanguageModel,
  cache: PagedKvCache,
  sequence: KvSequence,
  text: readonly number[],
  count: number,
  chunk: number,
): Promise<Candidates> {
  while (sequence.length + chunk < text.length) {
    const tokens = text.slice(sequence.length, sequence.length + chunk);
    model.forward(cache, [{ sequence, tokens, wanted: 0 }]).dispose();
    sequence.commit(tokens);
  }
  const tokens = text.slice(sequence.length);
  const logits = model.forward(cache, [{ sequence, tokens }]);
  sequence.commit(tokens);
  const top = topLogits(model.gpu, logits, Math.min(count, model.config.vocabSize));
  logits.dispose();
  const [ids, values] = await Promise.all([top.ids.read(), top.logits.read()]);
  top.ids.dispose();
  top.logits.dispose();
  return { ids, logits: values };
}
