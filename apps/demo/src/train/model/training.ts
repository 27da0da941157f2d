import { bigramOf, bitsPerByte } from '../../text/bigram.ts';
import { type Corpus, corpusOf, decodeText } from '../../text/corpus.ts';
import {
  allBatches,
  type Batch,
  type Sample,
  samplesOf,
  trainingBatches,
} from '../../text/packing.ts';
import { uniforms } from '../../text/seeded-random.ts';
import { sample } from './sampler.ts';
import type { Trainer } from './trainer.ts';
import { learningRate, type TrainingPlan } from './training-plan.ts';

/** A text prepared for a training plan. */
export interface TrainingText {
  readonly corpus: Corpus;
  readonly samples: readonly Sample[];
  readonly heldOut: readonly Batch[];
  /** Bits per byte of the held-out text under a bigram model of the rest. */
  readonly bigram: number;
  /** Beginnings of two held-out documents. */
  readonly prompts: readonly string[];
}

/** @throws Error if the text is too short */
export function prepareText(text: string, { batch }: TrainingPlan): TrainingText {
  const corpus = corpusOf(text);
  const cut = (documents: readonly Uint8Array[]): Sample[] =>
    documents.flatMap((document) => samplesOf(document, batch.length));
  return {
    corpus,
    samples: cut(corpus.train),
    heldOut: allBatches(cut(corpus.heldOut), batch),
    bigram: bitsPerByte(bigramOf(corpus.train), corpus.heldOut),
    prompts: corpus.heldOut.slice(0, 2).map(beginning),
  };
}

const beginning = (document: Uint8Array): string =>
  decodeText(document)
    .split(/(?<=\s)/, 3)
    .join('')
    .slice(0, 24);

/** An event of a training run. Losses are in bits per byte. */
export type TrainingEvent =
  /** A computation is about to begin. It may take long, mostly when kernels are compiled first. */
  | { readonly kind: 'ahead'; readonly what: string }
  | {
      readonly kind: 'step';
      /** Steps done. */
      readonly step: number;
      readonly bits: number;
      readonly tokens: number;
      readonly seconds: number;
    }
  | { readonly kind: 'evaluation'; readonly step: number; readonly bits: number }
  | { readonly kind: 'samples'; readonly step: number; readonly texts: readonly string[] };

const SEED = 1;
const TEMPERATURE = 0.6;

/** Trains from step `from` to the plan's end. The caller pauses the run by not requesting the next event. */
export async function* training(
  trainer: Trainer,
  text: TrainingText,
  plan: TrainingPlan,
  from = 0,
): AsyncGenerator<TrainingEvent, void> {
  const { schedule, evaluateEvery, sampleEvery } = plan;
  const batches = trainingBatches(text.samples, plan.batch, SEED + from);
  if (from === 0) yield* evaluation(trainer, text, 0);
  for (let step = from; step < schedule.steps; step++) {
    if (step === from) {
      yield {
        kind: 'ahead',
        what: `Step ${step + 1} of ${schedule.steps}. ${compiles('backward')}`,
      };
    }
    const batch = batches.next().value;
    const start = performance.now();
    const nats = await trainer.step(batch, learningRate(schedule, step));
    const seconds = (performance.now() - start) / 1000;
    const done = step + 1;
    yield { kind: 'step', step: done, bits: nats / Math.LN2, tokens: batch.tokens, seconds };
    const isLast = done === schedule.steps;
    if (isLast || done % evaluateEvery === 0) yield* evaluation(trainer, text, done);
    if (isLast || done % sampleEvery === 0) yield await samples(trainer, text, plan, done);
  }
}

const compiles = (pass: 'forward' | 'backward'): string =>
  `The first one compiles the kernels of the ${pass} pass, which can take a minute.`;

/** Evaluates the held-out text, in bits per byte. */
export async function heldOutBits(trainer: Trainer, text: TrainingText): Promise<number> {
  let bits = NaN;
  for await (const event of evaluation(trainer, text, 0)) {
    if (event.kind === 'evaluation') ({ bits } = event);
  }
  return bits;
}

async function* evaluation(
  trainer: Trainer,
  { heldOut }: TrainingText,
  step: number,
): AsyncGenerator<TrainingEvent, void> {
  let [nats, tokens] = [0, 0];
  for (const [i, batch] of heldOut.entries()) {
    const what = `Held-out text before step ${step + 1}, batch ${i + 1} of ${heldOut.length}.`;
    yield { kind: 'ahead', what: i === 0 && step === 0 ? `${what} ${compiles('forward')}` : what };
    nats += await trainer.evaluate(batch);
    tokens += batch.tokens;
  }
  yield { kind: 'evaluation', step, bits: nats / Math.LN2 / tokens };
}

async function samples(
  trainer: Trainer,
  { prompts }: TrainingText,
  { sampleTokens: count }: TrainingPlan,
  step: number,
): Promise<TrainingEvent> {
  const uniform = uniforms(SEED + step);
  const options = { prompts, count, temperature: TEMPERATURE, uniform };
  return { kind: 'samples', step, texts: await sample(trainer, options) };
}
