import { CapacityError } from '@heed/core';
import {
  type Answer,
  answerOf,
  isDone,
  type Lane,
  laneOf,
  nameOf,
  type Request,
  type Running,
} from './answer.ts';
import { computeStep, type EngineOptions, type Stepped } from './engine-step.ts';
import { shouldHoldBack } from './scheduling.ts';
import { largest, verify } from './speculation.ts';

/**
 * Continuous batching over a paged cache. Answers join and leave the batch between steps, and prompts are computed in chunks. If
 * pages run short, the youngest answer is preempted and resumes later. Decoding is greedy, and no answer depends on the others.
 */
export class Engine {
  readonly #options: EngineOptions;
  #waiting: Lane[] = [];
  /** Oldest first. */
  #running: Running[] = [];
  #done: Lane[] = [];
  #seats: number;
  #tally: Tally = noTally;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#seats = options.seats;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** The number of answers in the batch. */
  get batch(): number {
    return this.#running.length;
  }

  get isIdle(): boolean {
    return this.#waiting.length + this.#running.length === 0;
  }

  submit(request: Request): void {
    this.#waiting.push(laneOf(request));
  }

  /** Returns all answers so far. */
  answers(): Answer[] {
    return [...this.#done, ...this.#running, ...this.#waiting].map(answerOf);
  }

  /** Drops all requests and releases their pages, which the cache can still find. Must not be called during a step. */
  stop(): void {
    for (const { sequence } of this.#running) sequence.close();
    [this.#waiting, this.#running, this.#done] = [[], [], []];
    this.#seats = this.#options.seats;
    this.#options.book?.update([], []);
  }

  /**
   * Computes one packed batch; each answer whose prompt is complete gets at least one token.
   * Rejects with a CapacityError if a single answer needs more pages than exist, and with a DeviceLostError.
   */
  async step(): Promise<void> {
    const start = performance.now();
    this.#admit();
    if (this.#running.length === 0) return;
    const stepped = await this.#compute();
    for (const one of stepped) this.#advance(one);
    this.#options.book?.update(
      // Between steps, all tokens in the cache are committed.
      stepped.map(({ lane: { tokens, sequence }, pages }) => {
        return { pages, tokens: tokens.slice(0, sequence.length) };
      }),
      this.#running.map((lane) => ({ owner: nameOf(lane), pages: lane.sequence.pages })),
    );
    const computed = stepped.reduce((sum, { news }) => sum + news.length, 0);
    this.#count({ steps: 1, computed, ms: performance.now() - start });
  }

  #admit(): void {
    const { cache, pageSize } = this.#options;
    for (const lane of this.#waiting) {
      const expected = this.#running.reduce((sum, { branches }) => sum + branches, lane.branches);
      if (this.#running.length > 0 && expected > this.#seats) return;
      const others = this.#running.map(({ tokens, sequence }) => ({
        tokens,
        length: sequence.length,
      }));
      if (shouldHoldBack(lane.tokens, others, pageSize)) continue;
      const sequence = cache.open({ tokens: lane.tokens });
      this.#count({ lookedUp: lane.tokens.length, hits: sequence.cachedTokens });
      this.#waiting = this.#waiting.filter((other) => other !== lane);
      this.#running.push({ ...lane, sequence });
    }
  }

  /** Runs one forward pass; preempts answers until the pages suffice. */
  async #compute(): Promise<Stepped[]> {
    for (;;) {
      try {
        return await computeStep(this.#options, [...this.#running]);
      } catch (error) {
        if (!(error instanceof CapacityError) || this.#running.length === 1) throw error;
        this.#preempt(this.#running.pop()!);
      }
    }
  }

  #preempt({ sequence, ...lane }: Running): void {
    sequence.close();
    this.#waiting.unshift(lane);
    this.#seats = this.#running.length;
    this.#count({ preemptions: 1 });
  }

  /** Appends the model's choice after the new tokens of a lane. */
  #advance({ lane, news, guess, scores }: Stepped): void {
    const { sequence, tokens } = lane;
    // A chunk in the middle of a prompt yields no token.
    if (sequence.length < tokens.length) return sequence.commit(news);
    const last = news.length - guess.length - 1;
    const { accepted, next } = verify(guess, (i) => scores(last + i), lane.request.end);
    const refused = guess.length - accepted.length;
    if (refused > 0) sequence.truncate(sequence.length - refused);
    sequence.commit(news.slice(0, news.length - refused));
    const starts = largest(scores(last), lane.branches).slice(1);
    const branches = starts.map((start, i) => branchOf(lane, i + 1, start));
    lane.branches = 1;
    tokens.push(...accepted, ...next);
    this.#running.push(...branches);
    this.#count({
      generated: accepted.length + next.length + branches.length,
      drafted: guess.length,
      accepted: accepted.length,
      forks: branches.length,
    });
    for (const one of [lane, ...branches]) this.#finish(one);
  }

  #finish(lane: Running): void {
    if (!isDone(lane)) return;
    lane.sequence.close();
    this.#running = this.#running.filter((other) => other !== lane);
    this.#done.push(lane);
    this.#seats = this.#options.seats;
  }

  #count(more: Partial<Tally>): void {
    this.#tally = addTally(this.#tally, more);
  }
}

/** Returns a branch that shares all pages so far and begins with another token. */
const branchOf = (
  { request, tokens, sequence }: Running,
  branch: number,
  start: number,
): Running => ({
  request,
  branch,
  branches: 1,
  tokens: [...tokens, start],
  sequence: sequence.fork(),
});

/** Counts of a serving run so far. */
export interface Tally {
  readonly steps: number;
  /** Rows computed by all steps, drafts included. */
  readonly computed: number;
  /** Tokens of answers. */
  readonly generated: number;
  /** Milliseconds spent in steps. */
  readonly ms: number;
  /** Tokens of requests when they were admitted; counted again after a preemption. */
  readonly lookedUp: number;
  /** Those of them whose pages were in the cache. */
  readonly hits: number;
  readonly forks: number;
  readonly preemptions: number;
  /** Guessed tokens, and how many of them were right. The others were truncated. */
  readonly drafted: number;
  readonly accepted: number;
}

const noTally: Tally = {
  steps: 0,
  computed: 0,
  generated: 0,
  ms: 0,
  lookedUp: 0,
  hits: 0,
  forks: 0,
  preemptions: 0,
  drafted: 0,
  accepted: 0,
};

/** Returns the sum of both. */
function addTally(a: Tally, b: Partial<Tally>): Tally {
  const keys = Object.keys(noTally) as (keyof Tally)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + (b[key] ?? 0)])) as unknown as Tally;
}
