import type { Gpu } from '@heed/core';
import { pageGpu } from '../../page/page-gpu.ts';
import { breathe } from '../../page/tasks.ts';
import { initialModel, type Model, putModel } from '../../transformer/language-model.ts';
import type { ModelConfig } from '../../transformer/model-config.ts';
import type { Comparison } from './packing-comparison.ts';
import type { Beginning, Memory, Session } from './train-session.ts';
import { planFor, type TrainingPlan } from './training-plan.ts';
import type { TrainingEvent, TrainingText } from './training.ts';

/** Where a run stands. Only an 'empty' one takes another text, size or model. */
export type RunState = 'empty' | 'opening' | 'running' | 'paused' | 'comparing' | 'done';

/** What is trained: looked at when a run begins. */
export interface RunInput {
  readonly text: string;
  readonly config: ModelConfig;
}

/** Who shows a run. */
export interface RunView {
  readonly state: (state: RunState) => void;
  readonly begun: (text: TrainingText, plan: TrainingPlan) => void;
  readonly event: (event: TrainingEvent, memory: Memory) => void;
  readonly compared: (comparison: Comparison) => void;
  readonly failed: (reason: string) => void;
}

const SEED = 1;

/** The run of the room: begins, pauses and goes on, also on another device when one was lost. */
export class Run {
  readonly #view: RunView;
  #state: RunState = 'empty';
  /** What is kept on the host, since a device may go away. */
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

  /** A loaded model, to be trained further in place of one that knows nothing. */
  adopt(model: Model, origin: string): void {
    this.#kept = { model };
    putModel({ model, origin });
  }

  /** Begins, or goes on; resolves when it has paused or is done. */
  start(input: RunInput): Promise<void> {
    return this.#do('running', input, (session, signal) => this.#train(session, signal));
  }

  /** Measures packing against padding, between two steps. */
  compare(input: RunInput): Promise<void> {
    const before = this.#state;
    return this.#do('comparing', input, async (session, signal) => {
      this.#view.compared(await session.compare(signal));
      return before === 'done' ? 'done' : 'paused';
    });
  }

  /** Resolves once nothing runs any more. */
  async pause(): Promise<void> {
    this.#abort.abort(new Error('paused'));
    await this.#work;
  }

  /** Forgets the run, and a model that was loaded. */
  async reset(): Promise<void> {
    await this.pause();
    this.#session?.dispose();
    this.#session = this.#text = this.#kept = undefined;
    this.#become('empty');
  }

  /** The model as it is now; undefined where there is none yet. */
  async model(): Promise<Model | undefined> {
    await this.pause();
    if (this.#session) await this.#keep(this.#session);
    return this.#kept?.model;
  }

  /** One thing at a time, from opening to whatever comes after it. */
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
    if (!gpu) throw new Error('Training needs WebGPU, which is not here.');
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

/** Rejects when the device is lost: what was asked of it then may never be answered. */
async function lossOf({ lost }: Gpu): Promise<never> {
  const { message } = await lost;
  throw new Error(`The GPU device was lost (${message}). Resume goes on with what was kept.`);
}
