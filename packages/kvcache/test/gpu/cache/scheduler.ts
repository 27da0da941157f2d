import { CapacityError } from '@heed/core';
import type { KvSequence, PagedKvCache } from '../../../src/index.ts';
import { step } from './serve.ts';
import type { Toy } from './toy.ts';

/** What somebody asks for. */
export interface Request {
  readonly id: number;
  /** The step in which it comes in. */
  readonly arrival: number;
  readonly prompt: readonly number[];
  /** Tokens to generate. */
  readonly count: number;
}

interface Running {
  readonly request: Request;
  readonly sequence: KvSequence;
  /** Prompt and generated tokens. */
  tokens: number[];
}

/** What serving took. */
export interface Served {
  /** By request: the generated tokens. */
  readonly outputs: Map<number, number[]>;
  readonly steps: number;
  readonly preemptions: number;
  /** Tokens whose keys and values were computed again since a sequence had lost them. */
  readonly recomputed: number;
  readonly computed: number;
}

export interface Limits {
  /** Sequences that run together. */
  readonly batch: number;
  /** Tokens that a step computes for one sequence at most. */
  readonly chunk: number;
  readonly onStep?: () => void;
}

/**
 * Continuous batching: requests join the batch when there is room and leave it when they are done; prompts go in by chunks
 * beside the others' single tokens. Where pages are too few, the youngest is closed and starts again later.
 */
export class Scheduler {
  readonly #cache: PagedKvCache;
  readonly #toy: Toy;
  readonly #limits: Limits;
  readonly #waiting: Request[];
  /** The oldest first. */
  #running: Running[] = [];
  /** Of requests that were preempted: what they had generated, and how many tokens had been computed. */
  readonly #resumed = new Map<number, { tokens: number[]; computed: number }>();
  /** Somebody was preempted, and nobody has made room since. */
  #isFull = false;
  readonly #served: { -readonly [K in keyof Served]: Served[K] } = {
    outputs: new Map(),
    steps: 0,
    preemptions: 0,
    recomputed: 0,
    computed: 0,
  };

  constructor(cache: PagedKvCache, toy: Toy, requests: readonly Request[], limits: Limits) {
    this.#cache = cache;
    this.#toy = toy;
    this.#limits = limits;
    this.#waiting = requests.toSorted((a, b) => a.arrival - b.arrival || a.id - b.id);
  }

  async run(): Promise<Served> {
    while (this.#waiting.length > 0 || this.#running.length > 0) {
      this.#admit();
      if (this.#running.length > 0) await this.#step();
      this.#served.steps++;
      this.#limits.onStep?.();
    }
    return this.#served;
  }

  #admit(): void {
    while (this.#running.length < this.#limits.batch && !this.#isFull) {
      const request = this.#waiting[0];
      if (request === undefined || request.arrival > this.#served.steps) return;
      this.#waiting.shift();
      const resumed = this.#resumed.get(request.id);
      const tokens = resumed?.tokens ?? [...request.prompt];
      const sequence = this.#cache.open({ tokens });
      this.#served.recomputed += Math.max(0, (resumed?.computed ?? 0) - sequence.cachedTokens);
      this.#running.push({ request, sequence, tokens });
    }
  }

  async #step(): Promise<void> {
    const [news, rows] = this.#append();
    const batch = [...this.#running];
    let row = 0;
    for (const [i, running] of batch.entries()) {
      running.sequence.commit(news[i]!);
      this.#served.computed += news[i]!.length;
      row += news[i]!.length;
      // A chunk in the middle of a prompt predicts nothing.
      if (running.sequence.length < running.tokens.length) continue;
      running.tokens.push(nextToken(await rows, row - 1, this.#toy));
      this.#finish(running);
    }
  }

  /** Computes the next tokens of all, after preempting as many as it takes. */
  #append(): [news: number[][], rows: Promise<Float32Array>] {
    for (;;) {
      const news = this.#running.map(({ sequence, tokens }) =>
        tokens.slice(sequence.length, sequence.length + this.#limits.chunk),
      );
      try {
        // A copy: a failed step leaves these as they were.
        const served = this.#running.map(({ sequence, tokens }) => ({ sequence, tokens }));
        const out = step(this.#cache, this.#toy, served, news);
        const rows = out.read() as Promise<Float32Array>;
        out.dispose();
        return [news, rows];
      } catch (error) {
        if (!(error instanceof CapacityError) || this.#running.length === 1) throw error;
        this.#preempt(this.#running.pop()!);
      }
    }
  }

  #preempt({ request, sequence, tokens }: Running): void {
    this.#resumed.set(request.id, { tokens, computed: sequence.length });
    sequence.close();
    this.#waiting.unshift(request);
    this.#served.preemptions++;
    this.#isFull = true;
  }

  #finish({ request, sequence, tokens }: Running): void {
    const generated = tokens.slice(request.prompt.length);
    if (generated.length < request.count) return;
    this.#served.outputs.set(request.id, generated);
    sequence.close();
    this.#isFull = false;
    this.#running = this.#running.filter((other) => other.sequence !== sequence);
  }
}

const vocabulary = 1000;

/** Greedy: the same row gives the same token, and a row that is off by a bit most likely another. */
function nextToken(rows: Float32Array, row: number, { shape }: Toy): number {
  const size = shape.qHeads * shape.headDimV;
  const bits = new Uint32Array(rows.buffer, rows.byteOffset + 4 * row * size, size);
  return bits.reduce((hash, word) => (Math.imul(hash, 31) + word) >>> 0, 7) % vocabulary;
}
