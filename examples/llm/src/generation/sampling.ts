import { ValidationError } from '@heed/core';
import type { NamesOf } from '@heed/core/kernel';
import { ConfigReader } from '../checkpoint/config-reader.ts';
import { MAX_TOP } from '../kernels/top-logits.ts';

/** How the next token is chosen among the 64 likeliest. */
export interface Sampling {
  /** 0 takes the likeliest token; default 0. Probabilities are those of logits / temperature. */
  readonly temperature?: number;
  /** Candidates, 1 to 64; default 64. */
  readonly topK?: number;
  /** The likeliest candidates whose probabilities add up to this; default 1. */
  readonly topP?: number;
  /** Divides positive logits of tokens that the text has, and multiplies negative ones; default 1. */
  readonly repetitionPenalty?: number;
  /** Chooses the random numbers: a whole number from 0 to 2³² − 1; default 0. */
  readonly seed?: number;
}

export const samplingNames: NamesOf<Sampling> = {
  temperature: 1,
  topK: 1,
  topP: 1,
  repetitionPenalty: 1,
  seed: 1,
};

/** A checkpoint's own choices. */
export interface GenerationConfig {
  readonly sampling: Sampling;
  readonly endTokens: readonly number[];
}

/**
 * Reads a `generation_config.json`.
 * @throws UnsupportedError it asks for what this program does not implement; the message has the key
 */
export function readGenerationConfig(json: unknown): GenerationConfig {
  const reader = new ConfigReader(json ?? {}, 'generation_config.json');
  reader.ignore('_from_model_config', 'transformers_version', 'bos_token_id', 'pad_token_id');
  reader.ignore('max_length', 'max_new_tokens', 'cache_implementation', 'trust_remote_code');
  reader.only('num_beams', 1);
  const samples = reader.boolean('do_sample', false);
  const temperature = reader.number('temperature', 1);
  const read = {
    temperature: samples ? temperature : 0,
    topK: reader.number('top_k', 50),
    topP: reader.number('top_p', 1),
    repetitionPenalty: reader.number('repetition_penalty', 1),
  };
  const endTokens = reader.numbers('eos_token_id');
  reader.finish();
  // 0 turns it off in Transformers; here 64 are the most.
  return { sampling: { ...read, topK: read.topK || MAX_TOP }, endTokens };
}

/** The likeliest tokens of a row, by descending logit. */
export interface Candidates {
  readonly ids: ArrayLike<number>;
  readonly logits: ArrayLike<number>;
}

/** Returns how many candidates a choice needs. */
export function candidatesOf({ temperature = 0, topK, repetitionPenalty = 1 }: Sampling): number {
  if (repetitionPenalty !== 1) return MAX_TOP;
  return temperature === 0 ? 1 : (topK ?? MAX_TOP);
}

/** @throws ValidationError a value out of its range */
export function checkSampling(sampling: Sampling): void {
  const { temperature = 0, topK = 1, topP = 1, repetitionPenalty = 1, seed = 0 } = sampling;
  const rules: readonly (readonly [boolean, string, number])[] = [
    [temperature >= 0 && temperature <= 100, 'temperature must be from 0 to 100', temperature],
    [Number.isInteger(topK) && topK >= 1 && topK <= MAX_TOP, `topK must be 1 to ${MAX_TOP}`, topK],
    [topP > 0 && topP <= 1, 'topP must be above 0, and 1 at most', topP],
    [repetitionPenalty > 0, 'repetitionPenalty must be above 0', repetitionPenalty],
    [seed >>> 0 === seed, 'seed must be a whole number from 0 to 2³² − 1', seed],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new ValidationError(`sampling: ${broken[1]}; got ${broken[2]}. Change it.`);
}

/**
 * Chooses a token. The same candidates, sampling and position give the same token, whatever was chosen for other texts before.
 * @param position the position of the new token in its text, which is the counter of the random numbers
 * @param seen the tokens of the text, for the penalty
 */
export function sampleToken(
  candidates: Candidates,
  sampling: Sampling,
  position: number,
  seen: ReadonlySet<number>,
): number {
  const { temperature = 0, topK = MAX_TOP, topP = 1, repetitionPenalty = 1, seed = 0 } = sampling;
  const scored = Array.from(candidates.ids, (id, i) => {
    const logit = candidates.logits[i]!;
    const factor = seen.has(id) ? repetitionPenalty : 1;
    return { id, logit: logit > 0 ? logit / factor : logit * factor };
  }).toSorted((a, b) => b.logit - a.logit || a.id - b.id);
  const best = scored[0]!;
  if (temperature === 0) return best.id;
  const kept = scored
    .slice(0, topK)
    .map(({ id, logit }) => ({ id, weight: Math.exp((logit - best.logit) / temperature) }));
  const nucleus = cut(kept, topP * sum(kept));
  let left = uniform(seed, position) * sum(nucleus);
  return (nucleus.find(({ weight }) => (left -= weight) < 0) ?? nucleus.at(-1)!).id;
}

interface Weighted {
  readonly id: number;
  readonly weight: number;
}

const sum = (list: readonly Weighted[]): number =>
  list.reduce((all, { weight }) => all + weight, 0);

/** Returns the first candidates whose weights reach `mass`. */
function cut(list: readonly Weighted[], mass: number): Weighted[] {
  let left = mass;
  const end = list.findIndex(({ weight }) => (left -= weight) <= 0);
  return list.slice(0, end < 0 ? list.length : end + 1);
}

/** Returns a number in [0, 1) for a seed and a counter: two rounds of a mixer of 32 bits (Chris Wellons' lowbias32). */
export function uniform(seed: number, counter: number): number {
  return mix(mix(seed >>> 0) ^ mix(counter + 0x9e3779b9)) / 2 ** 32;
}

function mix(x: number): number {
  let bits = x >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b) >>> 0;
  return (bits ^ (bits >>> 16)) >>> 0;
}
