import { Ledger, lru } from '@heed/kvcache/bookkeeping';

type Sequence = ReturnType<Ledger['openSequence']>;

/** What a cache tells of its prefixes, in the order in which they became findable and were lost. */
export interface PrefixListener {
  stored(name: string): void;
  removed(name: string): void;
}

/** A request in a cache. */
export interface CachedRequest {
  readonly sequence: Sequence;
  /** Blocks of the prompt that were in the cache. */
  readonly hits: number;
}

/**
 * One worker's cache: heed's own ledger, without memory. A block of the trace is a page of one token, whose id is the block's number,
 * so names, matching, sharing and eviction are those of a cache with pages as large as the trace's blocks.
 */
export class WorkerCache {
  readonly #ledger: Ledger;

  constructor(blocks: number, listener?: PrefixListener) {
    const groups = [{ layers: 1, bytes: 1 }];
    this.#ledger = new Ledger(
      { groups, pageSize: 1, blocks, eviction: lru },
      {
        stored: (node) => listener?.stored(node.name),
        removed: (node) => listener?.removed(node.name),
      },
    );
  }

  /** Blocks that no running request has. */
  get available(): number {
    return this.#ledger.pages.blocks.room.blocks;
  }

  /** Opens a request and finds its cached blocks. */
  open(blocks: readonly number[]): CachedRequest {
    const sequence = this.#ledger.openSequence(blocks, '', 0);
    return { sequence, hits: sequence.cachedTokens };
  }

  /** Whether `blocks` more blocks of a request fit beside the running ones. */
  fits({ sequence }: CachedRequest, blocks: number): boolean {
    return this.#ledger.canAppend([sequence], [blocks]);
  }

  /** Gives a request memory for its next blocks. */
  grow({ sequence }: CachedRequest, blocks: number): void {
    if (blocks > 0) this.#ledger.append('sim', 0, [sequence], Int32Array.of(blocks));
  }

  /** Names a request's next blocks, whose keys and values are there now. */
  name({ sequence }: CachedRequest, blocks: readonly number[]): void {
    this.#ledger.commit('sim', sequence, blocks);
  }

  /** Ends a request; its named blocks stay until they are evicted. */
  close({ sequence }: CachedRequest): void {
    if (sequence.isOpen) this.#ledger.close(sequence);
  }
}
