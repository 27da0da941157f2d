import type { Gpu } from '@heed/core';
import { pageGpu } from '../../page/page-gpu.ts';
import { breathe } from '../../page/tasks.ts';
import { initialModel, type Model, putModel } from '../../transformer/language-model.ts';
import type { ModelConfig } from '../../transformer/model-config.ts';
import type { Comparison } from './packing-comparison.ts';
import type { Beginning, Memory, Session } from './train-session.ts';
import { planFor, type TrainingPlan } from './training-plan.ts';
import type { TrainingEvent, TrainingText } from './training.ts';

/** The state of a run. Text, size and model can change only while it is 'empty'. */
export type RunState = 'empty' | 'opening' | 'running' | 'paused' | 'comparing' | 'done';

/** The text and sizes to train, read when a run begins. */
export interface RunInput {
  readonly text: string;
  readonly config: ModelConfig;
}

/** The callbacks that show a run. */
export interface RunView {
  readonly state: (state: RunState) => void;
  readonly begun: (text: TrainingText, plan: TrainingPlan) => void;
  readonly event: (event: TrainingEvent, memory: Memory) => void;
  readonly compared: (comparison: Comparison) => void;
  readonly failed: (reason: string) => void;
}

const SEED = 1;

/** The training run of the room. It can pause and resume, also on a new device after a lost one. */
export class Run {
  readonly #view: RunView;
  #state: RunState = 'empty';
  /** The state kept on the host, since a device may be lost. */
  #kept: Beginning | undefined;
  #text: TrainingText | undefined;
  #session: Session | undefined;
  #abort = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(view: RunView) {
    this.#view = view;
  }

  get state(): RunState {
    return this.#state;
  }

  /** Sets a loaded model, which is trained further in place of an untrained one. */
  adopt(model: Model, origin: string): void {
    this.#kept = { model };
    putModel({ model, origin });
  }

  /** Begins or resumes; resolves when the run has paused or is done. */
  start(input: RunInput): Promise<void> {
    return this.#do('running', input, (session, signal) => this.#train(session, signal));
  }

  /** Compares packing with padding, between two steps. */
  compare(input: RunInput): Promise<void> {
    const before = this.#state;
    return this.#do('comparing', input, async (session, signal) => {
      this.#view.compared(await session.compare(signal));
      return before === 'done' ? 'done' : 'paused';
    });
  }

  /** Pauses the run; resolves once nothing runs any more. */
  async pause(): Promise<void> {
    this.#abort.abort(new Error('paused'));
    await this.#work;
  }

  /** Discards the run and a loaded model. */
  async reset(): Promise<void> {
    await this.pause();
    this.#session?.dispose();
    this.#session = this.#text = this.#kept = undefined;
    this.#become('empty');
  }

  /** Pauses, and resolves to the current model, if there is one. */
  async model(): Promise<Model | undefined> {
    await this.pause();
    if (this.#session) await this.#keep(this.#session);
    return this.#kept?.model;
  }

  /** Runs one task after the previous one has ended; opens a session first if there is none. */
  #do(
    state: RunState,
    input: RunInput,
    task: (session: Session, signal: AbortSignal) => Promise<RunState>,
  ): Promise<void> {
    const { signal } = (this.#abort = new AbortController());
    const run = async (): Promise<void> => {
      this.#become('opening');
      try {
        this.#session ??= await this.#open(input);
        this.#become(state);
        this.#become(await Promise.race([task(this.#session, signal), lossOf(this.#session.gpu)]));
      } catch (error) {
        if (error !== signal.reason) this.#fail(error);
        this.#become(this.#kept ? 'paused' : 'empty');
      }
    };
    return (this.#work = this.#work.then(run));
  }

  async #open({ text, config }: RunInput): Promise<Session> {
    const [gpu, { Session }, { prepareText }] = await Promise.all([
      pageGpu(),
      import('./train-session.ts'),
      import('./training.ts'),
    ]);
    if (!gpu) throw new Error('Training needs WebGPU, which this browser does not offer here.');
    const beginning = this.#kept ?? { model: initialModel(config, SEED) };
    const plan = planFor(beginning.model.config);
    if (!this.#text) {
      this.#text = prepareText(text, plan);
      this.#view.begun(this.#text, plan);
    }
    this.#kept = beginning;
    return Session.open(gpu, this.#text, plan, beginning);
  }

  async #train(session: Session, signal: AbortSignal): Promise<RunState> {
    while (!signal.aborted) {
      const event = await session.next();
      if (!event) return 'done';
      if (event.kind === 'evaluation') {
        const model = await this.#keep(session);
        if (event.step > 0) putModel({ model, origin: `trained here, ${event.step} steps` });
      }
      this.#view.event(event, session.memory());
      await breathe();
    }
    return 'paused';
  }

  async #keep(session: Session): Promise<Model> {
    const snapshot = await session.snapshot();
    this.#kept = snapshot;
    return snapshot.model;
  }

  #fail(error: unknown): void {
    this.#session?.dispose();
    this.#session = undefined;
    this.#view.failed(error instanceof Error ? error.message : String(error));
  }

  #become(state: RunState): void {
    this.#state = state;
    this.#view.state(state);
  }
}

/** Rejects when the device is lost: work submitted to it may then never complete. */
async function lossOf({ lost }: Gpu): Promise<never> {
  const { message } = await lost;
  throw new Error(`The GPU device was lost (${message}). Resume goes on with what was kept.`);
}
