import type { Gpu } from '@heed/core';
import type { KvStats, PageFormat } from '@heed/kvcache';
import type { ModelConfig } from '../../transformer/model-config.ts';
import type { Answer, Request } from '../engine/answer.ts';
import { firstDifference } from '../engine/serve-alone.ts';
import type { Engine, Tally } from '../engine/serve-engine.ts';
import { loadSaved, Session } from './serve-session.ts';
import { type Asked, requestsOf, type Settings } from './serve-settings.ts';
import type { ServedModel } from './served-model.ts';

/** What is to be served, on what. */
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

/** What there is to show after a step. */
export interface Shown {
  readonly answers: readonly Answer[];
  readonly counted: Counted;
}

/** One prompt served alone: the first token that differs, if any, of so many. */
export interface Compared {
  readonly id: string;
  readonly tokens: number;
  readonly differsAt: number | undefined;
}

/** How far the prompt at `index` of `count` has come, served alone: tokens done, of all its answers. */
export interface AloneProgress {
  readonly index: number;
  readonly count: number;
  readonly done: number;
  readonly total: number;
}

/** The state of the room without its looks: a session as long as model, pages and device stay, an engine for each run. */
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
   * Makes a session where the last does not fit, and asks anew unless a run is under way. Returns what was resumed, in words.
   * @throws Error a prompt that is too long
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

  /** Serves each prompt alone and compares what it has said so far. Rejects with the signal's reason when that is aborted. */
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

  /** Ends a run that is under way: the next one asks anew. */
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
