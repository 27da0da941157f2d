import type { WorkerLoad } from '@heed/router';
import type { CostModel } from '../cost/constants.ts';
import type { TraceRequest } from '../trace/trace.ts';
import type { StoreTier } from './store-tier.ts';
import { type CachedRequest, type PrefixListener, WorkerCache } from './worker-cache.ts';

/** A request at a worker. */
export interface Job {
  readonly request: TraceRequest;
  /** Called with the time when its first token is there, and when its last is. */
  readonly onFirstToken: (now: number) => void;
  readonly onDone: (now: number, work: Work) => void;
}

/** What became of a prompt's tokens. */
export interface Work {
  /** Tokens found in the worker's cache, fetched from the store, and computed. */
  cached: number;
  loaded: number;
  computed: number;
}

interface Running {
  readonly job: Job;
  readonly work: Work;
  readonly cached: CachedRequest;
  /** Prompt tokens that are still to be computed. */
  left: number;
  /** Answer tokens that are still to be computed. */
  answerLeft: number;
  /** Blocks of the prompt behind those that are cached or loaded. */
  missing: readonly number[];
}

/** When and what a worker does next: `run` at `at`. */
type Schedule = (at: number, run: (now: number) => void) => void;

interface WorkerOptions {
  readonly blocks: number;
  readonly blockTokens: number;
  readonly costs: CostModel;
  readonly store: StoreTier | undefined;
  readonly listener: PrefixListener;
  readonly schedule: Schedule;
}

/**
 * One GPU with an engine: it admits requests in order, as far as its cache has room for prompt and answer; computes prompts in chunks,
 * in order, beside one token of every running answer; and takes from the store what is quicker to load than to compute.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #cache: WorkerCache;
  readonly #waiting: Job[] = [];
  /** Admitted, with prompt tokens to compute. */
  readonly #prompts: Running[] = [];
  readonly #answers = new Set<Running>();
  /** Waiting for the store. */
  #loading = 0;
  #isStepping = false;
  #isDead = false;
  /** Prompt tokens computed, and the time that took, for the rate that it reports. */
  #computed = 0;
  #busy = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#cache = new WorkerCache(options.blocks, options.listener);
  }

  /** Takes a request. */
  accept(job: Job, now: number): void {
    this.#waiting.push(job);
    this.#admit(now);
    this.#wake(now);
  }

  /** Loses its pages and its requests. It is never used again. */
  kill(): void {
    this.#isDead = true;
  }

  load(): WorkerLoad {
    const queued = this.#waiting.reduce((sum, { request }) => sum + request.inputTokens, 0);
    const admitted = this.#prompts.reduce((sum, { left }) => sum + left, 0);
    const { prefillTokensPerSecond } = this.#options.costs;
    return {
      queuedTokens: queued + admitted,
      runningSequences: this.#answers.size,
      tokensPerSecond: this.#busy === 0 ? prefillTokensPerSecond : this.#computed / this.#busy,
      freePages: this.#cache.available,
      pages: this.#options.blocks,
    };
  }

  #admit(now: number): void {
    for (;;) {
      const [job] = this.#waiting;
      if (!job) return;
      const { request } = job;
      const cached = this.#cache.open(request.blocks);
      const answer = Math.ceil(request.outputTokens / this.#options.blockTokens);
      const missing = request.blocks.slice(cached.hits);
      const others = this.#prompts.length + this.#answers.size + this.#loading;
      if (others > 0 && !this.#cache.fits(cached, missing.length + answer)) {
        this.#cache.close(cached);
        return;
      }
      this.#waiting.shift();
      // All blocks are taken at once, so that no running request is ever short of them.
      this.#cache.grow(cached, missing.length + answer);
      this.#begin(job, cached, missing, now);
    }
  }

  #begin(job: Job, cached: CachedRequest, missing: readonly number[], now: number): void {
    const { blockTokens, store, schedule } = this.#options;
    const { inputTokens, outputTokens } = job.request;
    const hits = cached.hits * blockTokens;
    const work = { cached: hits, loaded: 0, computed: inputTokens - hits };
    const running = { job, work, cached, missing, left: work.computed, answerLeft: outputTokens };
    const found = store ? this.#worthLoading(store, running) : 0;
    if (found === 0) return void this.#prompts.push(running);
    this.#loading++;
    const loaded = missing.slice(0, found);
    store!.load(loaded);
    schedule(now + store!.secondsFor(found), (later) => {
      this.#loading--;
      if (this.#isDead) return;
      work.loaded = found * blockTokens;
      work.computed -= work.loaded;
      this.#cache.name(cached, loaded);
      this.#prompts.push({ ...running, left: work.computed, missing: missing.slice(found) });
      this.#wake(later);
    });
  }

  /** Returns how many blocks behind the cached ones are quicker to load than to compute. */
  #worthLoading(store: StoreTier, { missing, left }: Running): number {
    const { blockTokens, costs } = this.#options;
    // The last token is computed, for its logits.
    const most = Math.floor((left - 1) / blockTokens);
    const found = Math.min(most, store.find(missing));
    const computing = (found * blockTokens) / costs.prefillTokensPerSecond;
    return found > 0 && store.secondsFor(found) < computing ? found : 0;
  }

  #wake(now: number): void {
    if (this.#isStepping || this.#isDead) return;
    if (this.#prompts.length === 0 && this.#answers.size === 0) return;
    this.#isStepping = true;
    const { chunkTokens, prefillTokensPerSecond, stepSeconds, decodeSeconds } = this.#options.costs;
    let room = chunkTokens;
    const finished: Running[] = [];
    for (const running of this.#prompts) {
      const taken = Math.min(room, running.left);
      running.left -= taken;
      room -= taken;
      if (running.left === 0) finished.push(running);
      if (room === 0) break;
    }
    const tokens = chunkTokens - room;
    const seconds =
      stepSeconds + tokens / prefillTokensPerSecond + this.#answers.size * decodeSeconds;
    if (tokens > 0) {
      this.#computed += tokens;
      this.#busy += seconds;
    }
    const decoding = [...this.#answers];
    this.#options.schedule(now + seconds, (later) => this.#finish(finished, decoding, later));
  }

  #finish(finished: readonly Running[], decoding: readonly Running[], now: number): void {
    if (this.#isDead) return;
    this.#isStepping = false;
    for (const running of decoding) if (--running.answerLeft <= 0) this.#end(running, now);
    for (const running of finished) {
      this.#prompts.splice(this.#prompts.indexOf(running), 1);
      const { job, cached, missing } = running;
      this.#cache.name(cached, missing);
      this.#options.store?.save(job.request.blocks);
      job.onFirstToken(now);
      this.#answers.add(running);
      // The step that ends the prompt gives the first token.
      if (--running.answerLeft <= 0) this.#end(running, now);
    }
    this.#admit(now);
    this.#wake(now);
  }

  #end(running: Running, now: number): void {
    this.#answers.delete(running);
    this.#cache.close(running.cached);
    running.job.onDone(now, running.work);
  }
}
