import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Sample, samplesOf, trainingBatches } from '../../src/text/packing.ts';
import { uniforms } from '../../src/text/seeded-random.ts';
import { choose } from '../../src/train/model/sampler.ts';
import { learningRate, planFor, plans } from '../../src/train/model/training-plan.ts';
import { Curves } from '../../src/train/view/loss-chart.ts';
import { presets } from '../../src/transformer/model-config.ts';

const samples: readonly Sample[] = Array.from({ length: 20 }, (_, i) =>
  samplesOf(new Uint8Array(3 * i + 1).fill(i + 1), 64),
).flat();

describe('the learning rate', () => {
  const schedule = { peak: 0.01, warmup: 10, steps: 110 };

  it('goes up linearly, then down to a tenth', () => {
    const rates = Array.from({ length: 111 }, (_, step) => learningRate(schedule, step));
    expect(rates[0]).toBeCloseTo(0.001, 12);
    expect(rates[9]).toBeCloseTo(0.01, 12);
    expect(rates[60]).toBeCloseTo(0.0055, 12);
    expect(rates[110]).toBeCloseTo(0.001, 12);
    const down = rates.slice(10);
    expect(down.toSorted((a, b) => b - a)).toEqual(down);
  });
});

describe('batches', () => {
  it('go round through all samples, in another order each time', () => {
    const size = { rows: 1, length: 64 };
    const batches = trainingBatches(samples, size, 1);
    // How often each document was seen, by its byte.
    const seen = new Map<number, number>();
    const firsts: number[] = [];
    for (let i = 0; i < 200; i++) {
      const { ids, documents } = batches.next().value;
      firsts.push(ids[1]!);
      for (const [at, id] of ids.entries()) {
        const begins = id !== 0 && documents[at] !== documents[at - 2];
        if (begins) seen.set(id, (seen.get(id) ?? 0) + 1);
      }
    }
    const counts = [...seen.values()];
    expect(seen.size).toBe(20);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(new Set(firsts).size).toBeGreaterThan(3);
  });

  it('are the same from the same seed', () => {
    const size = { rows: 2, length: 64 };
    const [one, two, other] = [1, 1, 2].map((seed) => trainingBatches(samples, size, seed));
    const ids = one!.next().value.ids;
    expect(two!.next().value.ids).toEqual(ids);
    expect(other!.next().value.ids).not.toEqual(ids);
  });
});

describe('a plan', () => {
  it('is that of the preset with the same sizes, else fits the context', () => {
    expect(planFor({ ...presets.large })).toBe(plans.large);
    expect(planFor({ ...presets.tiny, layers: 7 }).batch.length).toBe(presets.tiny.context);
  });
});

describe('a token', () => {
  it('is the likeliest at temperature 0', () => {
    expect(choose(Float32Array.of(0, 3, 3, -1), 0, () => 0.99)).toBe(1);
  });

  it('is chosen in proportion', () => {
    const scores = Float32Array.of(0, Math.log(3), -Infinity);
    const uniform = uniforms(1);
    const counts = [0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[choose(scores, 1, uniform)]!++;
    expect(counts[1]! / 4000).toBeCloseTo(0.75, 1);
    expect(counts[2]).toBe(0);
  });

  it('is never one that cannot be, whatever the number', () => {
    const number = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(number, fc.double({ min: 0.01, max: 10, noNaN: true }), (u, temperature) => {
        const scores = Float32Array.of(-Infinity, 5, -2, -Infinity);
        expect([1, 2]).toContain(choose(scores, temperature, () => u));
      }),
    );
  });
});

describe('the curves', () => {
  it('smooth the loss of batches, and go back with a run that lost its device', () => {
    const curves = new Curves(10, 4);
    for (const [i, bits] of [8, 8, 3].entries()) curves.addTrain({ step: i + 1, bits });
    expect(curves.train.map(({ bits }) => bits)).toEqual([8, 8, 7]);
    curves.addHeldOut({ step: 0, bits: 8 });
    curves.addHeldOut({ step: 2, bits: 7 });
    curves.addTrain({ step: 2, bits: 8 });
    curves.addHeldOut({ step: 2, bits: 6 });
    expect(curves.train.map(({ step }) => step)).toEqual([1, 2]);
    expect(curves.heldOut).toEqual([
      { step: 0, bits: 8 },
      { step: 2, bits: 6 },
    ]);
  });
});
