import type { Batch } from '../../text/batch.ts';
import { bigramOf, bitsPerByte } from '../../text/bigram.ts';
import { decodeText } from '../../text/bytes.ts';
import { type Corpus, corpusOf } from '../../text/corpus.ts';
import { type Sample, samplesOf } from '../../text/sample.ts';
import { uniforms } from '../../random.ts';
import { allBatches, trainingBatches } from './batches.ts';
import type { TrainingPlan } from './plan.ts';
import { sample } from './sampler.ts';
import { learningRate } from './schedule.ts';
import type { Trainer } from './trainer.ts';

/** A text made ready for a plan. */
export interface TrainingText {
  readonly corpus: Corpus;
  readonly samples: readonly Sample[];
  readonly heldOut: readonly Batch[];
  /** Bits per byte of the held-out text, by a bigram model of the rest. */
  readonly bigram: number;
  /** Beginnings of two held-out documents. */
  readonly prompts: readonly string[];
}

/** @throws Error there is too little text */
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

/** What happens in a training run. Losses are in bits per byte. */
export type TrainingEvent =
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

/** Trains from step `from` to the plan's end. It goes no further than it is asked to: not to ask is to pause. */
export async function* training(
  trainer: Trainer,
  text: TrainingText,
  plan: TrainingPlan,
  from = 0,
): AsyncGenerator<TrainingEvent, void> {
  const { schedule, evaluateEvery, sampleEvery } = plan;
  const batches = trainingBatches(text.samples, plan.batch, SEED + from);
  if (from === 0) yield await evaluation(trainer, text, 0);
  for (let step = from; step < schedule.steps; step++) {
    const batch = batches.next().value;
    const start = performance.now();
    const nats = await trainer.step(batch, learningRate(schedule, step));
    const seconds = (performance.now() - start) / 1000;
    const done = step + 1;
    yield { kind: 'step', step: done, bits: nats / Math.LN2, tokens: batch.tokens, seconds };
    const isLast = done === schedule.steps;
    if (isLast || done % evaluateEvery === 0) yield await evaluation(trainer, text, done);
    if (isLast || done % sampleEvery === 0) yield await samples(trainer, text, plan, done);
  }
}

/** Bits per byte of the held-out text. */
export async function heldOutBits(trainer: Trainer, { heldOut }: TrainingText): Promise<number> {
  let nats = 0;
  for (const batch of heldOut) nats += await trainer.evaluate(batch);
  return nats / Math.LN2 / heldOut.reduce((sum, { tokens }) => sum + tokens, 0);
}

async function evaluation(
  trainer: Trainer,
  text: TrainingText,
  step: number,
): Promise<TrainingEvent> {
  return { kind: 'evaluation', step, bits: await heldOutBits(trainer, text) };
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
