import type { PagedKvView, Tensor } from '@heed/core';
import { fail } from '@heed/core/kernel';
import type { CacheCore } from './cache-core.ts';
import type { Pool } from '../kernels/page-pools.ts';
import type { SequenceState } from '../sequences/sequence-state.ts';
import type { BatchLists } from '../kernels/batch-tables.ts';

/**
 * One layer of N sequences, as `varlenAttention` and `flexAttention` read it. A snapshot: once one of its sequences has
 * changed, its tensors throw ValidationError.
 */
export class KvView implements PagedKvView {
  /** The most tokens that one of the sequences has in this layer. */
  readonly maxSeqlenK: number;
  /** Tokens in a page. */
  readonly pageSize: number;
  readonly format: PagedKvView['format'];
  /** Dqk. */
  readonly headDim: number;
  /** Dv. */
  readonly headDimV: number;
  /** The cache's: keys further before a query may have been released. Attention over the view never sees them. */
  readonly window?: number;
  /** The cache's, with a window: the first keys, which attention sees from everywhere. */
  readonly sinkTokens?: number;
  readonly #core: CacheCore;
  readonly #layer: number;
  readonly #states: readonly SequenceState[];
  readonly #seen: readonly { epoch: number; count: number }[];
  readonly #lists: BatchLists;

  /** @internal */
  constructor(core: CacheCore, layer: number, states: readonly SequenceState[], lists: BatchLists) {
    const { geometry, window, sinkTokens } = core;
    this.maxSeqlenK = states.reduce((most, { counts }) => Math.max(most, counts[layer]!), 0);
    this.pageSize = geometry.pageSize;
    this.format = geometry.format;
    this.headDim = geometry.headDim;
    this.headDimV = geometry.headDimV;
    if (window !== undefined) {
      this.window = window;
      this.sinkTokens = sinkTokens;
    }
    this.#core = core;
    this.#layer = layer;
    this.#states = states;
    this.#seen = states.map(({ epoch, counts }) => ({ epoch, count: counts[layer]! }));
    this.#lists = lists;
  }

  /** The layer's pool of keys, [pages, pageSize, Hkv, D], f32 or f16; int8 and int4: u32 [pages, pageSize, Hkv, 1 + words]. */
  get k(): Tensor {
    return this.#pool('k').k;
  }

  /** The layer's pool of values: as `k`, with Dv. */
  get v(): Tensor {
    return this.#pool('v').v;
  }

  /** [N, maxPages] i32: the page of each pageSize tokens. Entries behind a sequence's end mean nothing. */
  get blockTable(): Tensor {
    return this.#current('blockTable').blockTable;
  }

  /** [N] i32: the tokens of each sequence in this layer. */
  get seqUsedK(): Tensor {
    return this.#current('seqUsedK').seqUsedK;
  }

  /**
   * [N + 1] i32: the rows that the last append to this layer brought, packed. These are the query rows of that step, and
   * attention takes them unless it is given others. It lies beside the other lists, so all are bound as they are.
   */
  get cuSeqlensQ(): Tensor {
    return this.#current('cuSeqlensQ').cuSeqlensQ;
  }

  #pool(name: string): Pool {
    this.#current(name);
    return this.#core.pools[this.#layer]!;
  }

  #current(name: string): BatchLists {
    const fn = `view.${name}`;
    this.#core.assertUsable(fn);
    this.#states.forEach(({ id, epoch, counts }, i) => {
      const seen = this.#seen[i]!;
      if (epoch === seen.epoch && counts[this.#layer] === seen.count) return;
      const got = `sequence ${id}, which has changed`;
      fail(
        fn,
        'a view is valid until its sequences change',
        got,
        'Make a new one with cache.view().',
      );
    });
    return this.#lists;
  }
}
