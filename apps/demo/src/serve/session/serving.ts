import type { Gpu } from '@heed/core';
import type { KvStats, PageFormat } from '@heed/kvcache';
import type { ModelConfig } from '../../transformer/model-config.ts';
import type { Answer, Request } from '../engine/answer.ts';
import { firstDifference } from '../engine/serve-alone.ts';
import type { Engine, Tally } from '../engine/serve-engine.ts';
import { loadSaved, Session } from './serve-session.ts';
import { type Asked, requestsOf, type Settings } from './serve-settings.ts';
import type { ServedModel } from './served-model.ts';

/** The prompts, settings, model and device of a run. */
export interface Order {
  readonly gpu: Gpu;
  readonly served: ServedModel;
  readonly settings: Settings;
  readonly asked: Asked;
}

/** Counts and sizes after a step, from which the page computes its numbers. */
export interface Counted {
  readonly tally: Tally;
  readonly batch: number;
  readonly stats: KvStats;
  readonly format: PageFormat;
  readonly config: ModelConfig;
}

/** The state that the page shows after a step. */
export interface Shown {
  readonly answers: readonly Answer[];
  readonly counted: Counted;
}

/** The comparison of a prompt's answers with the same prompt served alone. */
export interface Compared {
  readonly id: string;
  readonly tokens: number;
  readonly differsAt: number | undefined;
}

/** Progress of serving prompt `index` of `count` alone, in tokens of all its answers. */
export interface AloneProgress {
  readonly index: number;
  readonly count: number;
  readonly done: number;
  readonly total: number;
}

/** The state of the room without its view: one session while model, pages and device stay the same, one engine per run. */
export class Serving {
  #session: Session | undefined;
  #engine: Engine | undefined;
  #requests: readonly Request[] = [];

  get session(): Session | undefined {
    return this.#session;
  }

  get isUnderWay(): boolean {
    return this.#engine !== undefined && !this.#engine.isIdle;
  }

  /**
   * Opens a session if the last one does not fit, and submits the prompts unless a run is active. Resolves to a message about
   * resumed pages.
   * @throws Error if a prompt is too long
   */
  async prepare(order: Order): Promise<string> {
    const { gpu, served, settings, asked } = order;
    const requests = requestsOf(asked, settings, served.model.config.context);
    const note = fits(this.#session, order) ? '' : await this.#open(gpu, served, settings);
    if (this.isUnderWay) return note;
    const engine = this.#session!.engine(settings.drafts);
    for (const request of requests) engine.submit(request);
    [this.#engine, this.#requests] = [engine, requests];
    return note;
  }

  async #open(gpu: Gpu, served: ServedModel, settings: Settings): Promise<string> {
    this.restart();
    if (this.#session?.gpu === gpu) this.#session[Symbol.dispose]();
    this.#session = undefined;
    this.#session = await Session.open(gpu, served, settings);
    return loadSaved(this.#session);
  }

  async step(): Promise<void> {
    await this.#engine?.step();
  }

  shown(): Shown | undefined {
    const [session, engine] = [this.#session, this.#engine];
    if (!session || !engine) return undefined;
    const { cache, settings, served } = session;
    const { tally, batch } = engine;
    const counted = { tally, batch, stats: cache.stats(), format: settings.format };
    return {
      answers: engine.answers(),
      counted: { ...counted, config: served.model.config },
    };
  }

  /** Serves each prompt alone and compares it with its answers so far. Rejects with the signal's reason on abort. */
  async *compare(
    signal: AbortSignal,
    onProgress: (progress: AloneProgress) => void,
  ): AsyncGenerator<Compared> {
    const answers = this.#engine!.answers();
    const count = this.#requests.length;
    for (const [index, request] of this.#requests.entries()) {
      const own = answers.filter((answer) => answer.request === request.id);
      const total = request.count * request.branches;
      const alone = await this.#session!.alone(request, signal, (done) =>
        onProgress({ index, count, done, total }),
      );
      const differsAt = own
        .map((answer) => firstDifference(answer, alone))
        .find((at) => at !== undefined);
      const tokens = own.reduce((sum, answer) => sum + answer.tokens.length, 0);
      yield { id: request.id, tokens, differsAt };
    }
  }

  /** Ends the active run; the next one submits its prompts again. */
  restart(): void {
    this.#engine?.stop();
    this.#engine = undefined;
  }

  /** Forgets a session whose device was lost. */
  abandon(): void {
    this.#session = undefined;
    this.#engine = undefined;
  }
}

function fits(session: Session | undefined, { gpu, served, settings }: Order): boolean {
  if (session?.gpu !== gpu || session.served.fingerprint !== served.fingerprint) return false;
  return session.settings.format === settings.format && session.settings.pages === settings.pages;
}
