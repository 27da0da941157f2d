import { DisposedError, type Gpu } from '@heed/core';
import { assertUsable, type KernelSource } from '@heed/core/kernel';
import { appendSource } from '../kernels/append-rows.wgsl.ts';
import { BatchTables, updateSource } from '../kernels/batch-tables.ts';
import {
  clearPages,
  copyPages,
  copySource,
  fillSource,
  poisonPages,
} from '../kernels/page-edits.ts';
import type { Pool } from '../kernels/page-pools.ts';
import {
  type PageGeometry,
  poolNames,
  segmentPages,
  storeGeometry,
  type StoreGeometry,
} from '../pages/page-geometry.ts';
import type { WindowRule } from '../pages/page-window.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { Ledger } from '../sequences/ledger.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { SharedFetches } from '../stores/shared-fetches.ts';
import type { PageMoves } from '../sequences/reservation.ts';
import type { KvEmitter } from './cache-events.ts';
import type { CacheOptions } from './cache-options.ts';

/** The shared state of one cache: the ledger on the host, the pools of its pages, and the tables of recent batches. */
export class CacheCore {
  readonly gpu: Gpu;
  readonly geometry: PageGeometry;
  readonly pools: readonly Pool[];
  readonly ledger: Ledger;
  readonly events: KvEmitter;
  readonly tables: BatchTables;
  readonly window: number | undefined;
  readonly sinkTokens: number;
  /** Keys of records that a load has refused. The next save writes them again, although the store has them. */
  readonly refused: Set<string> = new Set();
  /** The geometry as stores name it. */
  readonly stored: StoreGeometry;
  /** Pages of a segment in a store. */
  readonly segment: number;
  /** Holds of loads, which end by themselves. */
  readonly timedHolds: Set<Disposable> = new Set();
  readonly #fetches = new WeakMap<KvStore, SharedFetches>();
  readonly #kept = new WeakMap<KvStore, KeptRecords>();
  readonly #poisons: boolean;
  #isDisposed = false;

  constructor(
    gpu: Gpu,
    geometry: PageGeometry,
    pools: readonly Pool[],
    ledger: Ledger,
    events: KvEmitter,
    options: Pick<CacheOptions, 'poison' | 'window' | 'sinkTokens'>,
  ) {
    this.gpu = gpu;
    this.geometry = geometry;
    this.pools = pools;
    this.ledger = ledger;
    this.events = events;
    this.tables = new BatchTables(gpu, 0, 0);
    this.window = options.window;
    this.sinkTokens = options.sinkTokens ?? 0;
    this.stored = storeGeometry([geometry]);
    this.segment = segmentPages(geometry, options.window);
    this.#poisons = options.poison ?? false;
  }

  /** Visibility, if the cache has a window. */
  get windowRule(): WindowRule | undefined {
    const { window, sinkTokens } = this;
    return window === undefined
      ? undefined
      : { pageSize: this.geometry.pageSize, window, sinkTokens };
  }

  /** Returns the requests of a store that are under way. */
  fetchesFrom(store: KvStore): SharedFetches {
    const known = this.#fetches.get(store) ?? new SharedFetches(this.gpu, store);
    this.#fetches.set(store, known);
    return known;
  }

  /** Returns the records that this cache has put into a store or loaded from it. */
  keptIn(store: KvStore): KeptRecords {
    const known = this.#kept.get(store) ?? new KeptRecords();
    this.#kept.set(store, known);
    return known;
  }

  /** Bytes of all pages, page 0 included. */
  get bytes(): number {
    const names = poolNames(this.geometry);
    return this.pools.reduce(
      (sum, pool) => names.reduce((bytes, x) => bytes + pool[x].buffer.size, sum),
      0,
    );
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Whether the cache is alive and its device works. */
  get isUsable(): boolean {
    try {
      this.assertUsable('');
      return true;
    } catch {
      return false;
    }
  }

  /** @throws DisposedError @throws DeviceLostError */
  assertUsable(fn: string): void {
    this.assertAlive(fn);
    assertUsable(this.gpu);
  }

  /** @throws DisposedError */
  assertAlive(fn: string): void {
    if (!this.#isDisposed) return;
    throw new DisposedError(`${fn}: the cache was disposed. Create another.`);
  }

  /** Carries out the ledger's decisions in memory. */
  move({ copies, fresh, freed }: PageMoves): void {
    this.poison([...freed, ...fresh]);
    if (copies.length === 0) return;
    const pairs = Int32Array.from(copies.flat(), ({ pages: [page] }) => page!);
    for (const pool of this.pools) copyPages(this.gpu, this.geometry, pool, pairs);
  }

  /** Fills unused pages with NaN, if the cache was created with `poison`. */
  poison(sets: readonly PageSet[]): void {
    this.poisonPages(Int32Array.from(sets, ({ pages: [page] }) => page!));
  }

  /** Like {@link poison}, by page. */
  poisonPages(list: Int32Array): void {
    if (!this.#poisons || list.length === 0) return;
    for (const pool of this.pools) poisonPages(this.gpu, this.geometry, pool, list);
  }

  /** Fills pages with 0: page 0 is read, but never for a result. */
  clear(pages: readonly number[]): void {
    const list = Int32Array.from(pages);
    for (const pool of this.pools) clearPages(this.gpu, this.geometry, pool, list);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const hold of this.timedHolds) hold[Symbol.dispose]();
    this.tables.dispose();
    for (const { k, v } of this.pools) {
      k.dispose();
      v.dispose();
    }
  }
}

/** Records that a store has: keys by the last page, so that they are forgotten with it. */
class KeptRecords {
  readonly #keys = new WeakMap<PrefixNode, Set<string>>();

  has(node: PrefixNode, key: string): boolean {
    return this.#keys.get(node)?.has(key) ?? false;
  }

  add(node: PrefixNode, key: string): void {
    const keys = this.#keys.get(node) ?? new Set();
    this.#keys.set(node, keys.add(key));
  }
}

/** Returns every kernel that a cache dispatches. */
export const sourcesOf = ({ format }: PageGeometry): KernelSource[] => [
  appendSource({ format, rotary: false }),
  appendSource({ format, rotary: true }),
  copySource,
  fillSource,
  updateSource,
];

/** Numbers of a cache: used + cached + free = pages. */
export interface KvStats {
  /** Pages for sequences, not counting page 0. */
  readonly pages: number;
  /** Pages in the block table of a sequence. */
  readonly used: number;
  /** Pages in no block table that still hold a prefix that `open` finds. */
  readonly cached: number;
  /** Pages that hold nothing. */
  readonly free: number;
  /** Bytes of all pages in all layers, page 0 included. */
  readonly bytes: number;
  /** Open sequences. */
  readonly sequences: number;
  /** Calls of `open` with tokens. */
  readonly lookups: number;
  /** Tokens passed to those calls. */
  readonly lookupTokens: number;
  /** Tokens found by those calls. */
  readonly hitTokens: number;
  /** hitTokens / lookupTokens; 0 before the first. */
  readonly hitRate: number;
  /** Cached pages that were evicted. */
  readonly evictions: number;
  /** Shared pages that were copied before a sequence wrote them. */
  readonly copies: number;
}

export function statsOf({ ledger, bytes }: CacheCore): KvStats {
  const { open, counters } = ledger;
  const { blocks, idle, free } = ledger.pages.blocks;
  const { lookups, lookupTokens, hitTokens, evictions, copies } = counters;
  return {
    pages: blocks,
    used: blocks - idle,
    cached: idle - free,
    free,
    bytes,
    sequences: open.size,
    lookups,
    lookupTokens,
    hitTokens,
    hitRate: lookupTokens === 0 ? 0 : hitTokens / lookupTokens,
    evictions,
    copies,
  };
}
