import { UnsupportedError, ValidationError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import {
  candidatesOf,
  checkSampling,
  readGenerationConfig,
  sampleToken,
  uniform,
} from '../../src/generation/sampling.ts';

const candidates = { ids: [7, 3, 9, 1], logits: [2, 1.5, 1.5, -1] };
const none = new Set<number>();

/** How often each candidate is drawn in `count` positions. */
function frequencies(sampling: object, count = 20_000, seen: ReadonlySet<number> = none): number[] {
  const drawn = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const token = sampleToken(candidates, sampling, i, seen);
    drawn.set(token, (drawn.get(token) ?? 0) + 1);
  }
  return candidates.ids.map((id) => (drawn.get(id) ?? 0) / count);
}

/** Probabilities of logits. */
function softmax(logits: readonly number[]): number[] {
  const powers = logits.map(Math.exp);
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
}

/** Five standard deviations of a frequency of 20,000 draws. */
const expectNear = (want: number[], got: number[]): void =>
  want.forEach((p, i) => expect(Math.abs(got[i]! - p)).toBeLessThan(5 * Math.sqrt(0.25 / 20_000)));

describe('sampleToken', () => {
  it('takes the likeliest token at temperature 0, the lower id of equals', () => {
    expect(sampleToken(candidates, {}, 0, none)).toBe(7);
    expect(sampleToken({ ids: [3, 9], logits: [1, 1] }, {}, 0, none)).toBe(3);
  });

  it('draws by the probabilities of logits / temperature', () => {
    expectNear(softmax([2, 1.5, 1.5, -1]), frequencies({ temperature: 1 }));
    expectNear(softmax([1, 0.75, 0.75, -0.5]), frequencies({ temperature: 2, seed: 9 }));
  });

  it('keeps the first topK, and the fewest that reach topP', () => {
    expectNear([...softmax([2, 1.5]), 0, 0], frequencies({ temperature: 1, topK: 2 }));
    const [first, second] = softmax([2, 1.5, 1.5, -1]) as [number, number];
    expectNear([1, 0, 0, 0], frequencies({ temperature: 1, topP: first - 0.01 }));
    expectNear(
      [...softmax([2, 1.5]), 0, 0],
      frequencies({ temperature: 1, topP: first + second - 0.01 }),
    );
  });

  it('divides positive logits of seen tokens and multiplies negative ones', () => {
    const penal = { temperature: 1, repetitionPenalty: 2 };
    expectNear(softmax([1, 1.5, 1.5, -2]), frequencies(penal, 20_000, new Set([7, 1])));
    expect(sampleToken(candidates, { repetitionPenalty: 2 }, 0, new Set([7]))).toBe(3);
    expect(candidatesOf({ repetitionPenalty: 2 })).toBe(64);
    expect(candidatesOf({})).toBe(1);
  });

  it('depends on seed and position alone', () => {
    expect(frequencies({ temperature: 1 })).toEqual(frequencies({ temperature: 1 }));
    expect(frequencies({ temperature: 1 })).not.toEqual(frequencies({ temperature: 1, seed: 1 }));
    const drawn = Array.from({ length: 10_000 }, (_, i) => uniform(3, i));
    expect(new Set(drawn).size).toBeGreaterThan(9990);
    expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true);
  });

  it.for([
    [{ temperature: -1 }, 'temperature'],
    [{ temperature: Number.NaN }, 'temperature'],
    [{ topK: 65 }, 'topK'],
    [{ topP: 0 }, 'topP'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty'],
    [{ seed: -1 }, 'seed'],
  ] as const)('refuses %o', ([sampling, name]) => {
    expect(() => checkSampling(sampling)).toThrow(ValidationError);
    expect(() => checkSampling(sampling)).toThrow(name);
  });
});

describe('readGenerationConfig', () => {
  it('reads what published files have', () => {
    const json = {
      do_sample: true,
      temperature: 0.6,
      top_p: 0.9,
      eos_token_id: [5, 6],
      bos_token_id: 1,
    };
    expect(readGenerationConfig({ ...json, transformers_version: '4.45.0' })).toEqual({
      sampling: { temperature: 0.6, topK: 50, topP: 0.9, repetitionPenalty: 1 },
      endTokens: [5, 6],
    });
    expect(readGenerationConfig(undefined).sampling.temperature).toBe(0);
    expect(readGenerationConfig({ do_sample: false, temperature: 3 }).sampling.temperature).toBe(0);
  });

  it('refuses what is not implemented by its key', () => {
    expect(() => readGenerationConfig({ num_beams: 4 })).toThrow('num_beams = 4');
    expect(() => readGenerationConfig({ min_p: 0.1 })).toThrow(UnsupportedError);
  });
});
