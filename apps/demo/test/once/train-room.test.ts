import { rotate as cacheRotate } from '@heed/kvcache';
import { memory, type Tensor, tensor1d, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference } from '../../src/explore/model/sample-problem.ts';
import { docsText } from '../../src/text/docs-text.ts';
import { batchOf, lengthOf, packRows, padRows, type Sample } from '../../src/text/packing.ts';
import { normals } from '../../src/text/seeded-random.ts';
import { Adam } from '../../src/train/model/adam.ts';
import { compare } from '../../src/train/model/packing-comparison.ts';
import { sample } from '../../src/train/model/sampler.ts';
import { Trainer } from '../../src/train/model/trainer.ts';
import { plans, type TrainingPlan } from '../../src/train/model/training-plan.ts';
import { heldOutBits, prepareText, training } from '../../src/train/model/training.ts';
import { initialModel, modelFromFile, modelToFile } from '../../src/transformer/language-model.ts';
import { presets } from '../../src/transformer/model-config.ts';
import { rotaryAngles, rotate, tokenAngles } from '../../src/transformer/rotary-angles.ts';
import { plainAttention, testTfjs } from './demo-fixtures.ts';

beforeAll(testTfjs);

const plan: TrainingPlan = {
  ...plans.tiny,
  batch: { rows: 2, length: 96 },
  schedule: { peak: 1e-2, warmup: 5, steps: 40 },
  evaluateEvery: 20,
  sampleEvery: 40,
};
const text = prepareText(docsText().slice(0, 20_000), plan);
const newTrainer = (): Trainer => new Trainer(initialModel(presets.tiny, 1));

/** Samples of various lengths that fill slightly more than two rows. */
const few: readonly Sample[] = text.samples.filter((_, i) => i % 7 === 0).slice(0, 6);
const tokens = few.reduce((sum, each) => sum + lengthOf(each), 0);

describe('a packed batch', () => {
  it('has the loss and the gradients of the same samples padded', { tags: ['full'] }, async () => {
    const trainer = newTrainer();
    const packed = tidy(() => trainer.gradients(batchOf(packRows(few, 96), 96)));
    const padded = tidy(() => trainer.gradients(batchOf(padRows(few), 96)));
    const [loss] = await packed.value.data();
    expect(loss).toBeCloseTo((await padded.value.data())[0]!, 5);
    expect(loss).toBeGreaterThan(5);
    for (const [i, gradient] of packed.grads.entries()) await close(gradient, padded.grads[i]!);
    trainer.dispose();
  });

  it('has the gradients of TensorFlow.js’s own operations', { tags: ['full'] }, async () => {
    const trainer = newTrainer();
    const batch = batchOf(packRows(few, 96), 96);
    const heed = tidy(() => trainer.gradients(batch));
    const plain = tidy(() => trainer.gradients(batch, plainAttention));
    expect((await heed.value.data())[0]).toBeCloseTo((await plain.value.data())[0]!, 5);
    for (const [i, gradient] of heed.grads.entries()) await close(gradient, plain.grads[i]!);
    trainer.dispose();
  });

  it('has a gradient that tells how the loss changes', { tags: ['full'] }, async () => {
    const model = initialModel(presets.tiny, 1);
    const batch = batchOf(packRows(few, 96), 96);
    const trainer = new Trainer(model);
    const { value, grads } = tidy(() => trainer.gradients(batch));
    const names = Object.keys(model.weights);
    const along = await Promise.all(grads.map((gradient) => gradient.data()));
    const slope = along.flatMap((x) => [...x]).reduce((sum, x) => sum + x * x, 0);
    // The step is long enough that the loss changes by thousands of roundings, and short enough to stay linear.
    const h = 0.002 / slope;
    const moved = async (sign: number): Promise<number> => {
      const weights = Object.fromEntries(
        names.map((name, i) => [
          name,
          model.weights[name]!.map((w, at) => w + sign * h * along[i]![at]!),
        ]),
      );
      const other = new Trainer({ ...model, weights });
      const loss = (await other.evaluate(batch)) / tokens;
      other.dispose();
      return loss;
    };
    const found = ((await moved(1)) - (await moved(-1))) / (2 * h);
    expect(found / slope).toBeCloseTo(1, 2);
    expect((await value.data())[0]).toBeCloseTo((await trainer.evaluate(batch)) / tokens, 5);
    trainer.dispose();
  });
});

describe('Adam', () => {
  it('steps as its paper says, matrices decaying and norms not', async () => {
    const start = [tensor2d([[1, -2]]), tensor1d([3])];
    const adam = new Adam(start);
    let want = [1, -2, 3];
    let [mean, variance] = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    const gradients = [
      [0.1, -0.2, 0.3],
      [0.3, 0.4, -0.1],
    ];
    for (const [i, gradient] of gradients.entries()) {
      const rate = 0.1 / (i + 1);
      const matrix = tensor2d([gradient.slice(0, 2)]);
      const got = adam.apply([matrix, tensor1d(gradient.slice(2))], rate);
      mean = mean.map((m, at) => 0.9 * m + 0.1 * gradient[at]!);
      variance = variance.map((v, at) => 0.98 * v + 0.02 * gradient[at]! ** 2);
      want = want.map((w, at) => {
        const unbiased = mean[at]! / (1 - 0.9 ** (i + 1));
        const deviation = Math.sqrt(variance[at]! / (1 - 0.98 ** (i + 1)));
        return w - rate * (unbiased / (deviation + 1e-8) + (at < 2 ? 0.1 * w : 0));
      });
      const values = await Promise.all(got.map((x) => x.data()));
      for (const [at, value] of values.flatMap((x) => [...x]).entries()) {
        expect(value).toBeCloseTo(want[at]!, 6);
      }
    }
    adam.dispose();
  });

  it('makes a gradient shorter that is longer than 1', async () => {
    // With empty state, the first step does not depend on the gradient's length; the second does.
    const steps = async (gradients: readonly number[]): Promise<number> => {
      const adam = new Adam([tensor1d([0])]);
      let last: readonly Tensor[] = [];
      for (const gradient of gradients) last = adam.apply([tensor1d([gradient])], 0.1);
      const [value] = await last[0]!.data();
      return value!;
    };
    expect(await steps([0.5, 100])).toBeCloseTo(await steps([0.5, 1]), 5);
    expect(await steps([0.5, 0.1])).not.toBeCloseTo(await steps([0.5, 1]), 2);
  });
});

describe('training', () => {
  it(
    'lowers the loss, beats what it started with on held-out text, and leaks no tensor',
    { tags: ['full'] },
    async () => {
      const trainer = newTrainer();
      const steps: number[] = [];
      const evaluations: number[] = [];
      const samples: string[] = [];
      const ahead: string[] = [];
      let first: number | undefined;
      for await (const event of training(trainer, text, plan)) {
        if (event.kind === 'step') {
          steps.push(event.bits);
          first ??= memory().numTensors;
          expect(memory().numTensors).toBe(first);
        } else if (event.kind === 'evaluation') evaluations.push(event.bits);
        else if (event.kind === 'ahead') ahead.push(event.what);
        else samples.push(...event.texts);
      }
      const batches = text.heldOut.length;
      expect(ahead[0]).toBe(
        `Held-out text before step 1, batch 1 of ${batches}. The first one compiles the kernels of the forward pass, which can take a minute.`,
      );
      expect(ahead[batches]).toBe(
        'Step 1 of 40. The first one compiles the kernels of the backward pass, which can take a minute.',
      );
      expect(steps).toHaveLength(40);
      expect(steps[0]).toBeGreaterThan(7);
      expect(mean(steps.slice(-5))).toBeLessThan(5.5);
      expect(evaluations).toHaveLength(3);
      expect(evaluations.at(-1)).toBeLessThan(5.5);
      expect(samples).toHaveLength(2);
      trainer.dispose();
    },
  );

  it('goes on from a snapshot as if nothing had happened', { tags: ['full'] }, async () => {
    const [one, two] = [newTrainer(), newTrainer()];
    const batch = batchOf(packRows(few, 96), 96);
    await one.step(batch, 0.01);
    const { model, adam } = await one.snapshot();
    const again = new Trainer(model, adam);
    expect(await again.step(batch, 0.01)).toBe(await one.step(batch, 0.01));
    expect(await again.evaluate(batch)).toBe(await one.evaluate(batch));
    expect(adam.step).toBe(1);
    const loaded = new Trainer(modelFromFile(modelToFile(model, 'F32')));
    expect(await loaded.evaluate(batch)).not.toBe(await two.evaluate(batch));
    for (const trainer of [one, two, again, loaded]) trainer.dispose();
  });

  it('saves what it has learnt', { tags: ['full'] }, async () => {
    const trainer = newTrainer();
    for (let i = 0; i < 3; i++) await trainer.step(batchOf(packRows(few, 96), 96), 0.01);
    const { model } = await trainer.snapshot();
    const loaded = new Trainer(modelFromFile(modelToFile(model, 'F16')));
    expect(await heldOutBits(loaded, text)).toBeCloseTo(await heldOutBits(trainer, text), 2);
    trainer.dispose();
    loaded.dispose();
  });
});

describe('a sample', () => {
  it('goes on with each prompt, the likeliest token each time', async () => {
    const trainer = newTrainer();
    const options = { prompts: ['# he', ''], count: 6, temperature: 0, uniform: () => 0.5 };
    const texts = await sample(trainer, options);
    expect(texts[0]!.startsWith('# he')).toBe(true);
    expect(await sample(trainer, options)).toEqual(texts);
    // The continuation is the same beside another text and alone.
    expect(await sample(trainer, { ...options, prompts: ['# he'] })).toEqual(texts.slice(0, 1));
    trainer.dispose();
  });
});

describe('packing against padding', () => {
  it('computes the same loss, of fewer tokens', { tags: ['full'] }, async () => {
    const trainer = newTrainer();
    const options = { rounds: 1, signal: new AbortController().signal };
    const { packed, padded, ...rest } = await compare(trainer, few, plan.batch, options);
    expect(rest.tokens).toBe(tokens);
    expect(packed.loss).toBeCloseTo(padded.loss, 4);
    expect(packed.computed).toBeLessThanOrEqual(padded.computed);
    expect(packed.tokensPerSecond).toBeCloseTo(tokens / packed.seconds, 6);
    trainer.dispose();
  });
});

/** Expects equality up to rounding, relative to the largest element. */
async function close(got: Tensor, want: Tensor): Promise<void> {
  expect(got.shape).toEqual(want.shape);
  const [found, wanted] = [await got.data(), await want.data()] as [Float32Array, Float32Array];
  const largest = largestDifference(wanted, new Float32Array(wanted.length));
  expect(largest).toBeGreaterThan(0);
  expect(largestDifference(found, wanted) / largest).toBeLessThan(1e-4);
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

beforeAll(testTfjs);

describe('rotary positions', () => {
  it('are those of the cache', async () => {
    const gpu = await testTfjs();
    const config = presets.small;
    const angles = rotaryAngles(config);
    const positions = Int32Array.of(0, 1, 17, config.context - 1, 5);
    const [T, H, D] = [positions.length, 3, config.headDim];
    const values = new Float32Array(T * H * D).map(normals(1));
    const table = { shape: [config.context, D / 2] };
    const want = cacheRotate(gpu, gpu.tensor(values, { shape: [T, H, D] }), {
      cos: gpu.tensor(angles.cos, table),
      sin: gpu.tensor(angles.sin, table),
      positions,
    });
    const x = tensor3d(values, [T, H, D]);
    const got = rotate(x, tokenAngles(config, angles, positions));
    const [turned, wanted] = [await got.data(), await want.read()] as [Float32Array, Float32Array];
    expect(largestDifference(turned, wanted)).toBeLessThan(1e-6);
    // Rows at position 0 do not change, the others do.
    expect(turned.subarray(0, H * D)).toEqual(values.subarray(0, H * D));
    expect(largestDifference(turned, values)).toBeGreaterThan(1);
  });
});
