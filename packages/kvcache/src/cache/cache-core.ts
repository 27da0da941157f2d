import { DisposedError, type Gpu } from '@heed/core';
import { assertUsable, fail, type KernelSource, show } from '@heed/core/kernel';
import { appendSource } from '../kernels/append-rows.wgsl.ts';
import { BatchTables, updateSource } from '../kernels/batch-tables.ts';
import {
  clearPages,
  copyPages,
  copySource,
  fillSource,
  poisonPages,
} from '../kernels/page-edits.ts';
import { appendConfig } from '../kernels/append-rows.ts';
import { bindMoves, moveRows, moveSource } from '../kernels/move-rows.ts';
import type { GroupPools } from '../kernels/packed-pages.ts';
import type { Pool } from '../kernels/page-pools.ts';
import {
  type PageGeometry,
  segmentPages,
  storeGeometry,
  type StoreGeometry,
} from '../pages/page-geometry.ts';
import { blockBytes, type CacheLayout, type LayerPlace } from '../pages/page-layout.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { RowMoves } from '../sequences/keep.ts';
import type { Ledger } from '../sequences/ledger.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { SharedFetches } from '../stores/shared-fetches.ts';
import type { PageMoves } from '../sequences/reservation.ts';
import type { KvEmitter } from './cache-events.ts';
import type { CheckedOptions } from './check-options.ts';

/** The shared state of one cache: the ledger on the host, the pools of its pages, and the tables of recent batches. */
export class CacheCore {
  readonly gpu: Gpu;
  readonly layout: CacheLayout;
  /** By layer, counted through all groups. */
  readonly pools: readonly Pool[];
  readonly ledger: Ledger;
  readonly events: KvEmitter;
  /** By run. */
  readonly tables: readonly BatchTables[];
  /** Layers that read another's pages. */
  readonly reads: ReadonlyMap<number, number>;
  /** Keys of records that a load has refused. The next save writes them again, although the store has them. */
  readonly refused: Set<string> = new Set();
  /** The geometry as stores name it. */
  readonly stored: StoreGeometry;
  /** By group: pages of a segment in a store. */
  readonly segments: readonly number[];
  /** Tokens of the pages that stores gave and took. */
  readonly moved: { loaded: number; saved: number } = { loaded: 0, saved: 0 };
  /** Holds of loads, which end by themselves. */
  readonly timedHolds: Set<Disposable> = new Set();
  readonly #fetches = new WeakMap<KvStore, SharedFetches>();
  readonly #kept = new WeakMap<KvStore, KeptRecords>();
  readonly #poisons: boolean;
  /** By the model's number, its number counted through all groups. */
  readonly #layers = new Map<number, number>();
  #isDisposed = false;

  constructor(
    gpu: Gpu,
    { layout, reads, poison = false }: CheckedOptions,
    pools: readonly Pool[],
    ledger: Ledger,
    events: KvEmitter,
  ) {
    this.gpu = gpu;
    this.layout = layout;
    this.pools = pools;
    this.ledger = ledger;
    this.events = events;
    this.reads = reads;
    this.tables = ledger.groups.flatMap(({ group, runs }) =>
      Array.from({ length: runs }, (_, run) => new BatchTables(gpu, group, run)),
    );
    const all = layout.groups.flatMap(({ layers }) => layers);
    all.forEach((layer, i) => this.#layers.set(layer, i));
    this.stored = storeGeometry(
      layout.groups.map(({ geometry }) => geometry),
      layout.groups.map(({ layers }) => layers),
    );
    this.segments = layout.groups.map(({ geometry, window }) => segmentPages(geometry, window));
    this.#poisons = poison;
  }

  /**
   * Returns the number, counted through all groups, of a layer of the model.
   * @throws ValidationError no layer of the cache
   */
  layerIndex(fn: string, layer: number): number {
    const index = this.#layers.get(layer);
    if (index !== undefined) return index;
    const all = [...this.#layers.keys()];
    if (this.layout.groups.length === 1 && all.at(-1) === all.length - 1) {
      checkWhole(fn, 'layer', layer, 0, all.length - 1);
    }
    const fix = 'Pass the number that the groups give it.';
    return fail(fn, 'layer must be in one of the groups', show(layer), fix);
  }

  /** Returns the block tables of a layer's run. */
  tablesOf({ group: { group }, run }: LayerPlace): BatchTables {
    return this.tables[this.ledger.groups[group]!.firstRun + run]!;
  }

  /** Returns the pools of a group. */
  poolsOf(group: number): GroupPools {
    const { geometry, firstLayer } = this.layout.groups[group]!;
    const pools = this.pools.slice(firstLayer, firstLayer + geometry.layers);
    return { geometry, pools, layersOfRun: this.layout.slots };
  }

  /** Returns the bytes of a page of a group, in all its layers. */
  pageBytes(group: number): number {
    return this.ledger.groups[group]!.bytes;
  }

  /** Groups without a window: of a prefix that is found, they have every page. */
  get fullGroups(): number[] {
    return this.ledger.groups.flatMap(({ group, window }) => (window ? [] : [group]));
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
    return (this.ledger.pages.blocks.blocks + 1) * blockBytes(this.layout);
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
    this.#eachPool(copies.flat(), (geometry, pool, pairs) =>
      copyPages(this.gpu, geometry, pool, pairs),
    );
  }

  /** Moves the rows of a `keep`, in all layers. */
  keep({ moves, fresh, freed }: RowMoves): void {
    const { gpu, ledger, layout, pools } = this;
    gpu.batch(() => {
      this.poison(fresh);
      const bound = moves.map((slots) => bindMoves(gpu, slots));
      layout.places.forEach(({ group: { group, geometry }, run }, layer) => {
        moveRows(gpu, geometry, pools[layer]!, bound[ledger.groups[group]!.firstRun + run]!);
      });
      this.poison(freed);
    });
  }

  /** Fills unused pages with NaN, if the cache was created with `poison`. */
  poison(sets: readonly PageSet[]): void {
    if (!this.#poisons) return;
    this.#eachPool(sets, (geometry, pool, pages) => poisonPages(this.gpu, geometry, pool, pages));
  }

  /** Fills new memory: the null block with 0, since it is read, though never for a result; all others as {@link poison} does. */
  fill(): void {
    const { groups, slots } = this.layout;
    // The first run of a group has a layer in each slot.
    const { geometry, firstLayer, perBlock } =
      groups.find((group) => !group.geometry.sharedKv) ?? groups[0]!;
    const count = (this.ledger.pages.blocks.blocks + 1) * perBlock;
    const pages = Int32Array.from({ length: count }, (_, page) => page);
    for (const pool of this.pools.slice(firstLayer, firstLayer + slots)) {
      clearPages(this.gpu, geometry, pool, pages.subarray(0, perBlock));
      if (this.#poisons) poisonPages(this.gpu, geometry, pool, pages.subarray(perBlock));
    }
  }

  /** Calls `edit` for each layer of the groups of `sets`, with the pages of its run. */
  #eachPool(
    sets: readonly PageSet[],
    edit: (geometry: PageGeometry, pool: Pool, pages: Int32Array) => void,
  ): void {
    if (sets.length === 0) return;
    const lists = this.ledger.groups.map(({ group, runs }) => {
      const own = sets.filter((set) => set.group === group);
      return Array.from({ length: runs }, (_, run) =>
        Int32Array.from(own, ({ pages }) => pages[run]!),
      );
    });
    this.layout.places.forEach(({ group: { group, geometry }, run }, layer) => {
      const pages = lists[group]![run]!;
      if (pages.length > 0) edit(geometry, this.pools[layer]!, pages);
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const hold of this.timedHolds) hold[Symbol.dispose]();
    for (const tables of this.tables) tables.dispose();
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
export function sourcesOf({ groups }: CacheLayout): KernelSource[] {
  const configs = groups.flatMap(({ geometry }) => [
    appendConfig(geometry, false),
    ...(geometry.sharedKv ? [] : [appendConfig(geometry, true)]),
  ]);
  return [
    ...new Set([...configs.map(appendSource), copySource, fillSource, moveSource, updateSource]),
  ];
}
