import '@heed/testing';
import { expect } from 'vitest';
import type { RandomCheckpoint } from './random-checkpoint.ts';
import { referenceLogits } from './reference-model.ts';

/**
 * Compares logits of all positions with the float64 model. They may be off by twice the error of a naive run in f32, and a few ulp of
 * the largest.
 */
export function expectLogits(
  got: ArrayLike<number>,
  checkpoint: RandomCheckpoint,
  tokens: readonly number[],
): void {
  const want = referenceLogits(checkpoint, tokens).flat();
  const naive = referenceLogits(checkpoint, tokens, { round: Math.fround }).flat();
  const largest = Math.max(...want.map(Math.abs));
  const error = Math.max(...naive.map((x, i) => Math.abs(x - want[i]!)));
  const shape = [tokens.length, want.length / tokens.length];
  expect(got).toMatchTensor(want, { tolerance: 2 * error + 4 * 2 ** -23 * largest, shape });
}
