import type { Pick, WorkerStatus } from '@heed/router';

/** Requests whose times the median is of. */
const KEPT = 200;

/** What the front counts since its start, for the dashboard. */
export class CellCounts {
  #requests = 0;
  #retries = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  readonly #byWorker = new Map<string, number>();
  readonly #firstTokens: number[] = [];

  began({ worker, cachedTokens }: Pick, length: number): void {
    this.#requests++;
    this.#promptTokens += length;
    this.#cachedTokens += cachedTokens;
    this.#byWorker.set(worker, (this.#byWorker.get(worker) ?? 0) + 1);
  }

  retried(): void {
    this.#retries++;
  }

  firstToken(milliseconds: number): void {
    if (this.#firstTokens.push(milliseconds) > KEPT) this.#firstTokens.shift();
  }

  figures(workers: readonly WorkerStatus[]): object {
    const times = this.#firstTokens.toSorted((a, b) => a - b);
    return {
      requests: this.#requests,
      retries: this.#retries,
      cachedShare: this.#promptTokens === 0 ? 0 : this.#cachedTokens / this.#promptTokens,
      firstTokenMs: [0.5, 0.9].map((p) => times[Math.floor(p * (times.length - 1))] ?? null),
      workers: workers.map((worker) => ({
        ...worker,
        requests: this.#byWorker.get(worker.worker) ?? 0,
      })),
    };
  }
}
