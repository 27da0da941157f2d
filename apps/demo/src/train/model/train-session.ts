import type { Gpu } from '@heed/core';
import { memory } from '@tensorflow/tfjs-core';
import { useTfjs } from '../../transformer/tfjs-backend.ts';
import type { Model } from '../../transformer/language-model.ts';
import { uniforms } from '../../text/seeded-random.ts';
import type { AdamState } from './adam.ts';
import { type Comparison, compare } from './packing-comparison.ts';
import { randomRows } from '../../text/packing.ts';
import type { TrainingPlan } from './training-plan.ts';
import { type Snapshot, Trainer } from './trainer.ts';
import { type TrainingEvent, type TrainingText, training } from './training.ts';

/** The state from which a session continues. */
export interface Beginning {
  readonly model: Model;
  /** Undefined for a new or loaded model. */
  readonly adam?: AdamState;
}

const COMPARED_ROWS = 4;

/** The memory that TensorFlow.js holds. */
export interface Memory {
  readonly tensors: number;
  readonly bytes: number;
}

/** A training run on one device, which ends when the device is lost. */
export class Session {
  readonly gpu: Gpu;
  readonly #trainer: Trainer;
  readonly #text: TrainingText;
  readonly #plan: TrainingPlan;
  readonly #events: AsyncGenerator<TrainingEvent, void>;

  private constructor(gpu: Gpu, text: TrainingText, plan: TrainingPlan, beginning: Beginning) {
    this.gpu = gpu;
    this.#trainer = new Trainer(beginning.model, beginning.adam);
    this.#text = text;
    this.#plan = plan;
    this.#events = training(this.#trainer, text, plan, beginning.adam?.step);
  }

  static async open(
    gpu: Gpu,
    text: TrainingText,
    plan: TrainingPlan,
    beginning: Beginning,
  ): Promise<Session> {
    await useTfjs(gpu);
    return new Session(gpu, text, plan, beginning);
  }

  /** Resolves to the next event; undefined at the end. Must not overlap with another call or method. */
  async next(): Promise<TrainingEvent | undefined> {
    return (await this.#events.next()).value ?? undefined;
  }

  snapshot(): Promise<Snapshot> {
    return this.#trainer.snapshot();
  }

  /** Compares packing with padding, on the samples of four training rows. */
  compare(signal: AbortSignal): Promise<Comparison> {
    const { length } = this.#plan.batch;
    const rows = randomRows(this.#text.samples, length, uniforms(1)).slice(0, COMPARED_ROWS);
    const size = { rows: COMPARED_ROWS, length };
    return compare(this.#trainer, rows.flat(), size, { rounds: 2, signal });
  }

  memory(): Memory {
    const { numTensors, ...rest } = memory();
    return { tensors: numTensors, bytes: (rest as { numBytesInGPU?: number }).numBytesInGPU ?? 0 };
  }

  dispose(): void {
    this.#trainer.dispose();
  }
}
