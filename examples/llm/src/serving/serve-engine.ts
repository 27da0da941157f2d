import { CapacityError, ValidationError } from '@heed/core';
import { type NamesOf, readOptions } from '@heed/core/kernel';
import type { PagedKvCache } from '@heed/kvcache';
import {
  type Candidates,
  candidatesOf,
  checkSampling,
  sampleToken,
} from '../generation/sampling.ts';
import { topLogits } from '../kernels/top-logits.ts';
import type { LanguageModel } from '../model/language-model.ts';
import {
  byTurn,
  endOf,
  type FinishReason,
  type Lane,
  requestNames,
  type RunningLane,
  type ServedAnswer,
  type ServeRequest,
} from './answer-lane.ts';
import { type LaneStep, planStep, shouldWait } from './step-plan.ts';
import { TokenChannel } from './token-channel.ts';

/** How an engine divides a device among requests. */
export interface EngineOptions {
  /** Most tokens of a step; default 256. */
  readonly rows?: number;
  /** Most answers in a step, at most `rows`; default 32. */
  readonly seats?: number;
  /** Most tokens that a step guesses per answer, by prompt lookup; default 4. 0 turns it off. */
  readonly drafts?: number;
  /** Tokens of room that each running answer keeps when another is let in; default 16. */
  readonly watermark?: number;
  /** Tokens in a page of the cache; default 16. */
  readonly pageSize?: number;
}

const engineNames: NamesOf<EngineOptions> = {
  rows: 1,
  seats: 1,
  drafts: 1,
  watermark: 1,
  pageSize: 1,
};

/** Counts of an engine since its start. */
export interface EngineStats {
  readonly waiting: number;
  readonly running: number;
  readonly steps: number;
  /** Tokens computed, guessed ones included. */
  readonly computed: number;
  /** Tokens of prompts that were found in the cache. */
  readonly cached: number;
  readonly generated: number;
  readonly preemptions: number;
  readonly guessed: number;
  readonly accepted: number;
}

const none = {
  steps: 0,
  computed: 0,
  cached: 0,
  generated: 0,
  preemptions: 0,
  guessed: 0,
  accepted: 0,
};

/**
 * Continuous batching over a paged cache: answers join and leave the batch between steps. Prompts are computed in chunks and share the
 * pages of equal beginnings; answers of one request fork. Where pages run short, the last lane in turn is preempted: it gives its pages
 * back and resumes later. No answer depends on the others: its tokens are those that `generate` gives for its prompt alone.
 */
export class ServeEngine {
  readonly #model: LanguageModel;
  readonly #cache: PagedKvCache;
  readonly #options: Required<EngineOptions>;
  #waiting: Lane[] = [];
  #running: RunningLane[] = [];
  #arrivals = 0;
  #loop: Promise<void> | undefined;
  #counts = none;

  constructor(model: LanguageModel, cache: PagedKvCache, given?: EngineOptions) {
    const options = readOptions('ServeEngine', given, engineNames);
    const { rows = 256, seats = 32, drafts = 4, watermark = 16, pageSize = 16 } = options;
    for (const [name, value, least] of [
      ['rows', rows, seats],
      ['seats', seats, 1],
      ['drafts', drafts, 0],
      ['watermark', watermark, 0],
      ['pageSize', pageSize, 1],
    ] as const) {
      if (Number.isInteger(value) && value >= least) continue;
      throw new ValidationError(
        `ServeEngine: ${name} must be a whole number from ${least} on; got ${value}. Change it.`,
      );
    }
    this.#model = model;
    this.#cache = cache;
    this.#options = { rows, seats, drafts, watermark, pageSize };
  }

  get stats(): EngineStats {
    const [waiting, running] = [this.#waiting.length, this.#running.length];
    return { waiting, running, ...this.#counts };
  }

  /**
   * Takes a request in; its answers are computed as they are read or not.
   * @throws ValidationError options out of range, or a prompt that leaves no room in the context
   * @throws CapacityError the cache could not hold an answer even alone
   */
  submit(given: ServeRequest): ServedAnswer[] {
    const request = readOptions('submit', given, requestNames, undefined, 'request');
    const lanes = this.#lanesOf(request);
    const [first, ...others] = lanes;
    first!.branches = others;
    this.#waiting.push(first!);
    const { signal } = request;
    const abort = (): void => lanes.forEach((lane) => this.#end(lane, { error: signal!.reason }));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    this.#loop ??= this.#run();
    return lanes.map((lane) => answerOf(lane));
  }

  /** Resolves when no request is left. */
  async idle(): Promise<void> {
    while (this.#loop) await this.#loop;
  }

  #lanesOf(request: ServeRequest): Lane[] {
    const { prompt, sampling = {}, answers = 1, priority = 0, endTokens } = request;
    checkSampling(sampling);
    const room = this.#model.context - prompt.length;
    if (prompt.length === 0 || room < 1 || !Number.isInteger(answers) || answers < 1) {
      throw new ValidationError(
        `submit: the prompt must have 1 to ${this.#model.context - 1} tokens, and answers must be 1 or more; got ${prompt.length} and ${answers}.`,
      );
    }
    const { maxTokens = room } = request;
    if (!Number.isInteger(maxTokens) || maxTokens < 1) {
      throw new ValidationError(
        `submit: maxTokens must be a whole number above 0; got ${maxTokens}. Leave it out for all that fit.`,
      );
    }
    const most = prompt.length + Math.min(maxTokens, room);
    if (!this.#cache.canEverFit(most)) {
      throw new CapacityError(
        `submit: the cache cannot hold ${most} tokens of prompt and answer. Lower maxTokens, or make it larger.`,
      );
    }
    const outside = prompt.find((id) => !(id >= 0 && id < this.#model.config.vocabSize));
    if (outside !== undefined) {
      throw new ValidationError(`submit: ${outside} is no token of this model. Use its tokenizer.`);
    }
    return Array.from({ length: answers }, (_, i) => {
      const lane: Lane = {
        request,
        sampling: { ...sampling, seed: ((sampling.seed ?? 0) + i) >>> 0 },
        endTokens: endTokens ?? this.#model.config.endTokens,
        priority,
        order: this.#arrivals++,
        most,
        tokens: [...prompt],
        seen: new Set(prompt),
        channel: new TokenChannel(() => this.#end(lane, { finish: 'cancelled' })),
        branches: [],
        finish: undefined,
        sequence: undefined,
      };
      return lane;
    });
  }

  async #run(): Promise<void> {
    // Requests that are submitted together join the first step together.
    await Promise.resolve();
    try {
      while (this.#waiting.length + this.#running.length > 0) await this.#step();
    } catch (error) {
      // A lost device, for example: nobody else would report it.
      for (const lane of [...this.#running, ...this.#waiting]) {
        for (const one of [lane, ...lane.branches]) this.#end(one, { error });
      }
    } finally {
      this.#loop = undefined;
    }
  }

  async #step(): Promise<void> {
    this.#admit();
    const plan = this.#fit();
    if (plan.length === 0) return;
    const batch = plan.map(({ lane, tokens, wanted }) => ({
      sequence: lane.sequence,
      tokens,
      wanted,
    }));
    const most = Math.max(...plan.map(({ lane }) => candidatesOf(lane.sampling)));
    const rows = await this.#candidates(batch, most);
    let row = 0;
    for (const one of plan) {
      const first = row;
      row += one.wanted;
      // A lane may have ended while the device computed.
      if (one.lane.sequence) this.#advance(one, (i) => rows[first + i]!);
    }
    const computed = plan.reduce((sum, { tokens }) => sum + tokens.length, 0);
    this.#count({ steps: 1, computed });
  }

  /** Lets waiting lanes in, in their turn, while there are seats and the pages suffice for the running ones to go on. */
  #admit(): void {
    const { seats, watermark, pageSize } = this.#options;
    for (const lane of this.#waiting.toSorted(byTurn)) {
      if (this.#running.length >= seats) return;
      if (shouldWait(lane, this.#running, pageSize)) continue;
      const { priority, request } = lane;
      const sequence = this.#cache.open({
        tokens: lane.tokens,
        salt: request.salt ?? '',
        priority,
      });
      const rest = lane.tokens.length - sequence.length;
      const all = [...this.#running.map((other) => other.sequence), sequence];
      const room = [...this.#running.map(() => watermark), rest + watermark];
      if (this.#running.length > 0 && !this.#cache.canAppend(all, room)) return sequence.close();
      lane.sequence = sequence;
      this.#waiting = this.#waiting.filter((other) => other !== lane);
      this.#running = [...this.#running, lane as RunningLane].toSorted(byTurn);
      this.#count({ cached: sequence.cachedTokens });
    }
  }

  /** Plans a step; preempts lanes, the last in turn first, until the pages suffice. */
  #fit(): LaneStep[] {
    const { rows, seats, drafts } = this.#options;
    while (this.#running.length > 0) {
      // Forks may exceed the seats: the last ones in turn then wait with their pages.
      const plan = planStep(this.#running.slice(0, seats), rows, drafts);
      const counts = plan.map(({ tokens }) => tokens.length);
      if (
        this.#cache.canAppend(
          plan.map(({ lane }) => lane.sequence),
          counts,
        )
      )
        return plan;
      const last = this.#running.at(-1)!;
      if (this.#running.length === 1) {
        const bare = planStep(this.#running, 1, 0);
        if (this.#cache.canAppend([last.sequence], [1])) return bare;
        const error = new CapacityError('serve: the cache is full of pages that others hold.');
        for (const one of [last, ...last.branches]) this.#end(one, { error });
        continue;
      }
      this.#leave(last);
      this.#waiting.push(last);
      this.#count({ preemptions: 1 });
    }
    return [];
  }

  async #candidates(
    batch: Parameters<LanguageModel['forward']>[1],
    k: number,
  ): Promise<Candidates[]> {
    const { gpu, config } = this.#model;
    const count = Math.min(k, config.vocabSize);
    const { ids, logits } = gpu.scope(() =>
      topLogits(gpu, this.#model.forward(this.#cache, batch), count),
    );
    const [names, values] = await Promise.all([ids.read(), logits.read()]);
    ids.dispose();
    logits.dispose();
    return Array.from({ length: names.length / count }, (_, row) => ({
      ids: names.subarray(row * count, (row + 1) * count),
      logits: values.subarray(row * count, (row + 1) * count),
    }));
  }

  /** Appends what the model has chosen after the new tokens of a lane. */
  #advance({ lane, tokens, guess, wanted }: LaneStep, rows: (i: number) => Candidates): void {
    if (wanted === 0) return lane.sequence.commit(tokens);
    if (guess.length === 0) {
      lane.sequence.commit(tokens);
      for (const branch of lane.branches) this.#fork(lane, branch, rows(0));
      lane.branches = [];
    }
    // Each guessed token that equals the model's own choice gives the row after it a meaning.
    let accepted = 0;
    while (choose(lane, rows(accepted)) === guess[accepted] && !endOf(lane)) accepted++;
    if (guess.length > 0) {
      const refused = guess.length - accepted;
      if (refused > 0) lane.sequence.truncate(lane.sequence.length - refused);
      lane.sequence.commit(tokens.slice(0, tokens.length - refused));
    }
    this.#count({ generated: accepted + 1, guessed: guess.length, accepted });
    const finish = endOf(lane);
    if (finish) this.#end(lane, { finish });
  }

  /** Starts another answer of the same prompt. */
  #fork(lane: RunningLane, branch: Lane, candidates: Candidates): void {
    if (branch.finish) return;
    branch.sequence = lane.sequence.fork();
    choose(branch, candidates);
    this.#count({ generated: 1 });
    this.#running = [...this.#running, branch as RunningLane].toSorted(byTurn);
    const finish = endOf(branch);
    if (finish) this.#end(branch, { finish });
  }

  #leave(lane: Lane): void {
    lane.sequence?.close();
    lane.sequence = undefined;
    this.#running = this.#running.filter((other) => (other as Lane) !== lane);
    this.#waiting = this.#waiting.filter((other) => other !== lane);
  }

  /** Ends a lane; the other answers of its request go on. */
  #end(lane: Lane, end: { readonly finish?: FinishReason; readonly error?: unknown }): void {
    const [heir, ...others] = lane.branches.filter(({ finish }) => finish === undefined);
    lane.branches = [];
    lane.finish ??= end.finish ?? 'cancelled';
    lane.channel.close('error' in end ? { error: end.error } : {});
    this.#leave(lane);
    // The prompt has not been computed: the next answer takes it over.
    if (!heir) return;
    heir.branches = others;
    this.#waiting.push(heir);
  }

  #count(more: Partial<typeof none>): void {
    const names = Object.keys(none) as (keyof typeof none)[];
    const sums = names.map((name) => [name, this.#counts[name] + (more[name] ?? 0)]);
    this.#counts = Object.fromEntries(sums) as typeof none;
  }
}

/** Draws the next token of a lane, and sends it. */
function choose(lane: Lane, candidates: Candidates): number {
  const token = sampleToken(candidates, lane.sampling, lane.tokens.length, lane.seen);
  lane.tokens.push(token);
  lane.seen.add(token);
  lane.channel.push(token);
  return token;
}

function answerOf(lane: Lane): ServedAnswer {
  const { channel } = lane;
  return {
    next: () => channel.next(),
    return: () => channel.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
    get finish() {
      return lane.finish;
    },
  };
}
