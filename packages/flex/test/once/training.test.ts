import { Rng, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { type Attention, attention64, gpuAttention } from '../training/attention-layer.ts';
import { Model, recallBatch } from '../training/recall-model.ts';

const BATCH = 32;
const RATE = 3e-3;

/** Training from the same random weights on the same sequences. */
async function train(attention: Attention, steps: number): Promise<[Model, number[]]> {
  const model = new Model(new Rng(1));
  const sequences = new Rng(2);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    losses.push(await model.train(recallBatch(sequences, BATCH), attention, RATE));
  }
  return [model, losses];
}

describe('a two-layer attention model', () => {
  it('learns associative recall from random weights', { tags: ['full'] }, async () => {
    const attention = gpuAttention(await testGpu());
    const [model, losses] = await train(attention, 250);
    expect(losses[0]).toBeGreaterThan(2);
    const unseen = recallBatch(new Rng(99), 500);
    expect(await model.score(unseen, attention)).toBeGreaterThan(0.95 * 500);
  });

  it('follows the loss curve of float64 gradients', { tags: ['full'] }, async () => {
    const [, losses] = await train(gpuAttention(await testGpu()), 20);
    const [, want] = await train(attention64, 20);
    expect(losses).toHaveLength(20);
    expect(losses).toMatchTensor(want, { tolerance: 1e-6 });
  });
});
