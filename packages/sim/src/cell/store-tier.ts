import type { CostModel } from '../cost/constants.ts';

/**
 * Pages that all workers of a cell share, as a store on one engine keeps them: whole prefixes of blocks, the least recently used
 * first to go. It holds block numbers only.
 */
export class StoreTier {
  readonly #blocks: number;
  readonly #costs: CostModel;
  readonly #blockTokens: number;
  /** Blocks in the order of their last use. */
  readonly #kept = new Set<number>();
  isDown = false;
  /** Bytes that workers have loaded, and saved. */
  loadedBytes = 0;
  savedBytes = 0;

  constructor(tokens: number, blockTokens: number, costs: CostModel) {
    this.#blocks = Math.floor(tokens / blockTokens);
    this.#blockTokens = blockTokens;
    this.#costs = costs;
  }

  /** Returns how many of `blocks` it has before the first that is missing. */
  find(blocks: readonly number[]): number {
    if (this.isDown) return 0;
    const at = blocks.findIndex((block) => !this.#kept.has(block));
    return at < 0 ? blocks.length : at;
  }

  /** Seconds until `count` blocks are in a worker's pages. */
  secondsFor(count: number): number {
    const { hopSeconds, bytesPerToken, storeBytesPerSecond, loadSecondsPerByte } = this.#costs;
    const bytes = count * this.#blockTokens * bytesPerToken;
    return 2 * hopSeconds + bytes / storeBytesPerSecond + bytes * loadSecondsPerByte;
  }

  load(blocks: readonly number[]): void {
    this.loadedBytes += blocks.length * this.#blockTokens * this.#costs.bytesPerToken;
    for (const block of blocks) this.#use(block);
  }

  save(blocks: readonly number[]): void {
    if (this.isDown) return;
    for (const block of blocks) {
      if (!this.#kept.has(block)) {
        this.savedBytes += this.#blockTokens * this.#costs.bytesPerToken;
      }
      this.#use(block);
    }
    while (this.#kept.size > this.#blocks) {
      const [oldest] = this.#kept;
      this.#kept.delete(oldest!);
    }
  }

  /** Forgets everything, as an engine without persistence does when it restarts. */
  clear(): void {
    this.#kept.clear();
  }

  #use(block: number): void {
    this.#kept.delete(block);
    this.#kept.add(block);
  }
}
