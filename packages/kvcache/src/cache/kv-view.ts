import type { PagedKvView, Tensor } from '@heed/core';
import { fail, type SharedPrefixes } from '@heed/core/kernel';
import type { BatchLists, BatchTable } from '../kernels/batch-tables.ts';
import type { Pool } from '../kernels/page-pools.ts';
import type { SequenceState } from '../sequences/sequence-state.ts';
import type { CacheCore } from './cache-core.ts';

/**
 * One layer of N sequences, as `varlenAttention` and `flexAttention` read it. A view is a snapshot: once one of its sequences
 * has changed, its tensors throw ValidationError.
 */
export interface KvView extends PagedKvView {
  /**
   * [N + 1] i32: the packed rows that the last append to this layer brought. These are the query rows of that step, and attention
   * takes them unless it is given others. The tensor lies beside the view's other lists, so all of them are bound without a copy.
   */
  readonly cuSeqlensQ: Tensor;
}

/**
 * Returns a view of one layer over a table whose lists hold that layer's lengths.
 * @param layer counted through all groups
 */
export function viewOf(
  core: CacheCore,
  layer: number,
  states: readonly SequenceState[],
  table: BatchTable,
): KvView {
  return new LayerView(core, layer, states, table);
}

class LayerView implements KvView {
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly format: PagedKvView['format'];
  readonly formatV?: PagedKvView['format'];
  readonly headDim: number;
  readonly headDimV: number;
  readonly window?: number;
  readonly sinkTokens?: number;
  readonly sharedKv?: boolean;
  readonly cascade?: SharedPrefixes;
  readonly #core: CacheCore;
  readonly #layer: number;
  readonly #states: readonly SequenceState[];
  readonly #seen: readonly { epoch: number; count: number }[];
  readonly #lists: BatchLists;

  constructor(core: CacheCore, layer: number, states: readonly SequenceState[], table: BatchTable) {
    const { geometry, window, sinkTokens = 0 } = core.layout.places[layer]!.group;
    this.maxSeqlenK = states.reduce((most, { counts }) => Math.max(most, counts[layer]!), 0);
    this.pageSize = geometry.pageSize;
    this.format = geometry.format;
    if (geometry.formatV) this.formatV = geometry.formatV;
    this.headDim = geometry.headDim;
    this.headDimV = geometry.headDimV;
    if (geometry.sharedKv) this.sharedKv = true;
    if (window !== undefined) {
      this.window = window;
      this.sinkTokens = sinkTokens;
    } else if (table.shared.groups.length > 0) {
      this.cascade = table.shared;
    }
    this.#core = core;
    this.#layer = layer;
    this.#states = states;
    this.#seen = states.map(({ epoch, counts }) => ({ epoch, count: counts[layer]! }));
    this.#lists = table.lists;
  }

  get k(): Tensor {
    return this.#pool('k').k;
  }

  get v(): Tensor {
    return this.#pool('v').v;
  }

  get blockTable(): Tensor {
    return this.#current('blockTable').blockTable;
  }

  get seqUsedK(): Tensor {
    return this.#current('seqUsedK').seqUsedK;
  }

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
      const rule = 'a view is valid until its sequences change';
      fail(fn, rule, got, 'Make a new one with cache.view().');
    });
    return this.#lists;
  }
}
