import { writeFileSync } from 'node:fs';
import { openGpu } from '@heed/core';
import { docsText } from '../src/text/docs-text.ts';
import { Trainer } from '../src/train/model/trainer.ts';
import { plans } from '../src/train/model/training-plan.ts';
import { heldOutBits, prepareText, training } from '../src/train/model/training.ts';
import { initialModel, modelFromFile, modelToFile } from '../src/transformer/language-model.ts';
import { parameterCount, type PresetName, presets } from '../src/transformer/model-config.ts';
import { useTfjs } from '../src/transformer/tfjs-backend.ts';

/** The options of scripts/train.ts. */
export interface TrainModelOptions {
  readonly preset: string;
  readonly steps?: string | undefined;
  readonly out: string;
}

/**
 * Trains a model, prints its progress, and writes it in f16.
 * @throws Error if the model in f16 is no better than the bigram model; nothing is written then
 */
export async function trainModel({ preset, steps, out }: TrainModelOptions): Promise<void> {
  if (!(preset in presets)) {
    throw new Error(`--preset must be one of ${Object.keys(presets).join(', ')}; got ${preset}.`);
  }
  const given = plans[preset as PresetName];
  const count = Number(steps ?? given.schedule.steps);
  if (!Number.isInteger(count) || count < 1) {
    throw new Error(`--steps must be a whole number above 0; got ${steps}.`);
  }
  const config = presets[preset as PresetName];
  const schedule = { ...given.schedule, steps: count };
  const plan = { ...given, schedule };
  const gpu = await openGpu({ label: 'heed train' });
  await useTfjs(gpu);
  const text = prepareText(docsText(), plan);
  say(`${preset}: ${parameterCount(config)} parameters, ${schedule.steps} steps`);
  say(`bigram baseline: ${text.bigram.toFixed(3)} bits per byte of held-out text`);

  const trainer = new Trainer(initialModel(config, 1));
  let tokens = 0;
  let seconds = 0;
  let bits = 0;
  for await (const event of training(trainer, text, plan)) {
    if (event.kind === 'step') {
      tokens += event.tokens;
      seconds += event.seconds;
      bits = bits === 0 ? event.bits : 0.9 * bits + 0.1 * event.bits;
    } else if (event.kind === 'evaluation') {
      const speed = seconds === 0 ? 0 : tokens / seconds;
      say(
        `step ${event.step}: train ${bits.toFixed(3)}, held-out ${event.bits.toFixed(3)} bits per byte; ${speed.toFixed(0)} tokens/s`,
      );
    } else if (event.kind === 'samples') {
      for (const sample of event.texts) say(`  ${JSON.stringify(sample)}`);
    }
  }

  const { model } = await trainer.snapshot();
  const file = modelToFile(model, 'F16');
  const written = await heldOutBits(new Trainer(modelFromFile(file)), text);
  say(`in f16: ${written.toFixed(3)} bits per byte, ${file.length} bytes`);
  if (!(written < text.bigram)) {
    throw new Error(
      `it does not beat the bigram baseline of ${text.bigram.toFixed(3)}; not written`,
    );
  }
  writeFileSync(out, file);
  say(`wrote ${out}`);
  gpu.dispose();
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
