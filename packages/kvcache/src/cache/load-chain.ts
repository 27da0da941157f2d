import { type Fetch, pieceBytes } from '../stores/shared-fetches.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { decodeRecord, type PageRecord } from '../stores/page-record.ts';
import { chunks } from '../stores/store-ask.ts';
import { namespaceText, oldKey, storeKey } from '../stores/store-key.ts';
import type { CacheCore } from './cache-core.ts';
import type { LoadReport, RefusedPage } from './load-report.ts';
import { placeRecord } from './place-record.ts';
import type { PromptChain } from './prompt-chain.ts';
import type { StoreOptions } from './store-options.ts';

/** Options of {@link loadChain}. */
interface ChainOptions extends StoreOptions {
  readonly maxBytes?: number;
}

/** Consecutive pages of a chain, in one group, that one record holds. */
interface Unit {
  readonly group: number;
  readonly start: number;
  readonly count: number;
}

interface FoundRecord {
  readonly key: string;
  readonly record: PageRecord;
}

/** Pages a window apart that are looked at together. */
const looks = 16;

/**
 * Loads what a query after the prompt's pages sees and the cache lacks, first page first. At a gap, the prompt ends there: nothing
 * behind it is loaded, and what a query at that earlier end sees is loaded instead. The next records travel while the last are
 * uploaded.
 */
export async function loadChain(
  core: CacheCore,
  store: KvStore,
  chain: PromptChain,
  options: ChainOptions,
): Promise<Omit<LoadReport, 'hold'>> {
  const load = new ChainLoad(core, store, chain, options);
  const { groups } = core.ledger;
  // Groups without a window come first: they decide how far the others need to look.
  const order = groups.toSorted((a, b) => Number(!!a.window) - Number(!!b.window));
  let end = chain.most;
  for (let i = 0; i < order.length;) {
    const { group, window } = order[i]!;
    const missing = chain.missingAt(end, group);
    const gap = await load.run(missing, group);
    if (load.isFull) break;
    if (gap === undefined) {
      i++;
      continue;
    }
    // With a window, the store may lack many pages above the next end.
    end = window && gap === missing[0] ? await load.lastEnd(gap, group) : gap;
    if (window) i = 0; // the other groups may lack what an earlier end sees
  }
  return load.report(end);
}

class ChainLoad {
  readonly #core: CacheCore;
  readonly #store: KvStore;
  readonly #chain: PromptChain;
  readonly #options: ChainOptions;
  readonly #refused: RefusedPage[] = [];
  #loaded = 0;
  #bytes = 0;
  #isFull = false;
  #wanted = new Set<number>();
  #done = 0;
  #total = 0;

  constructor(core: CacheCore, store: KvStore, chain: PromptChain, options: ChainOptions) {
    this.#core = core;
    this.#store = store;
    this.#chain = chain;
    this.#options = options;
  }

  /** Whether there was no room for a page. */
  get isFull(): boolean {
    return this.#isFull;
  }

  report(end: number): Omit<LoadReport, 'hold'> {
    let known = -this.#loaded;
    let left = 0;
    for (const group of this.#core.layout.groups.keys()) {
      const seen = this.#chain.seenAt(end, group);
      const there = seen.filter((i) => this.#chain.has(i, group)).length;
      known += there;
      left += seen.length - there;
    }
    return {
      loaded: this.#loaded,
      known: Math.max(0, known),
      left,
      refused: this.#refused,
    };
  }

  /** Loads these pages. Returns the first that the store does not have; undefined if there is none, or no room. */
  async run(missing: readonly number[], group: number): Promise<number | undefined> {
    const { maxBytes = Infinity } = this.#options;
    const size = this.#core.pageBytes(group);
    const room = Math.floor((maxBytes - this.#bytes) / size);
    const wanted = missing.slice(0, Math.max(0, room));
    this.#wanted = new Set(wanted);
    this.#total += wanted.length;
    const groups = [
      ...chunks(this.#unitsOf(wanted, group), (unit) => this.#bytesOf(unit), pieceBytes),
    ];
    const { signal } = this.#options;
    const fetches = this.#core.fetchesFrom(this.#store);
    const most = this.#core.segments[group]! * size;
    let gap: number | undefined;
    for await (const [units, values] of fetches.ahead(groups, this.#keys, signal, most)) {
      gap = await this.#place(units, await Promise.all(values));
      if (gap !== undefined || this.#isFull) break;
    }
    if (wanted.length < missing.length && gap === undefined) this.#isFull = true;
    return gap;
  }

  /**
   * Returns the last end up to `end` that the store may have, without a request per window: each end sees one of the pages that are
   * a window apart, so only these are looked at, many at once.
   */
  async lastEnd(end: number, group: number): Promise<number> {
    const { pages: stride } = this.#core.ledger.groups[group]!.sight!;
    let lowest = end;
    for (let from = end - 1; from >= 0; from -= looks * stride) {
      const pages: number[] = [];
      for (let i = 0; i < looks && from - i * stride >= 0; i++) pages.push(from - i * stride);
      lowest = pages.at(-1)!;
      const there = pages.find((page) => this.#chain.has(page, group)) ?? -1;
      const found = Math.max(there, await this.#firstStored(pages, group));
      if (found >= 0) return Math.min(end, found + Math.max(1, stride));
    }
    return lowest;
  }

  /** Returns the first of these pages, last to first, that the store has; −1 for none. */
  async #firstStored(pages: readonly number[], group: number): Promise<number> {
    const units = pages.flatMap((page) => {
      const [whole] = this.#unitsOf([page], group);
      const single = { group, start: page, count: 1 };
      return whole!.count > 1
        ? [
            { page, unit: whole! },
            { page, unit: single },
          ]
        : [{ page, unit: single }];
    });
    const keys = units.flatMap(({ page, unit }) =>
      this.#keysOf(unit).map((key) => ({ page, key })),
    );
    const { signal } = this.#options;
    const fetch = this.#core.fetchesFrom(this.#store).fetch(
      keys.map(({ key }) => key),
      signal,
      this.#bytesOf(units[0]!.unit),
    );
    try {
      const values = await Promise.all(fetch.values);
      signal?.throwIfAborted();
      this.#core.assertUsable('cache.load');
      return keys.find((_, i) => values[i])?.page ?? -1;
    } finally {
      fetch.release();
    }
  }

  /** Groups pages into whole segments of the prompt, and single pages behind them. */
  #unitsOf(pages: readonly number[], group: number): Unit[] {
    const segment = this.#core.segments[group]!;
    const units: Unit[] = [];
    for (const page of pages) {
      const start = page - (page % segment);
      const isWhole = start + segment <= this.#chain.count;
      const unit = isWhole ? { group, start, count: segment } : { group, start: page, count: 1 };
      if (units.at(-1)?.start !== unit.start) units.push(unit);
    }
    return units;
  }

  #bytesOf({ group, count }: Unit): number {
    return count * this.#core.pageBytes(group);
  }

  /** The keys under which a unit may be: of a single page, that of version 1, too. */
  #keysOf({ group, start, count }: Unit): string[] {
    const { namespace = '', key: seal } = this.#options;
    const { text, digest } = this.#core.stored;
    const name = this.#chain.nameBefore(start + count);
    const parts = { namespace, group, depth: start, name };
    const key = storeKey({ ...parts, geometry: digest });
    const isNew = count > 1 || seal !== undefined || this.#core.layout.groups.length > 1;
    return isNew ? [key] : [key, oldKey({ ...parts, geometry: text })];
  }

  readonly #keys = (units: readonly Unit[]): string[] =>
    units.flatMap((unit) => this.#keysOf(unit));

  #fetch(units: readonly Unit[]): Fetch {
    const bytes = Math.max(...units.map((unit) => this.#bytesOf(unit)));
    const fetches = this.#core.fetchesFrom(this.#store);
    return fetches.fetch(this.#keys(units), this.#options.signal, bytes);
  }

  /** Places the records of units. Returns the first page that has none. */
  async #place(
    units: readonly Unit[],
    values: readonly (Uint8Array | undefined)[],
  ): Promise<number | undefined> {
    const records = await this.#decode(units, values);
    const missing = units.findIndex(({ count }, i) => count === 1 && !records[i]);
    const used = missing < 0 ? units : units.slice(0, missing);
    // Where a segment is missing, its pages may be there one by one: a window had cut it, or version 1 has written them.
    const singles = used.flatMap(({ group, start, count }, i) =>
      records[i] ? [] : this.#pagesIn(group, start, count),
    );
    const single = new Map<number, FoundRecord | undefined>();
    if (singles.length > 0) {
      const fetch = this.#fetch(singles);
      try {
        const found = await this.#decode(singles, await Promise.all(fetch.values));
        singles.forEach(({ start }, i) => single.set(start, found[i]));
      } finally {
        fetch.release();
      }
    }
    for (const [i, unit] of used.entries()) {
      const parts = records[i] ? [unit] : this.#pagesIn(unit.group, unit.start, unit.count);
      for (const part of parts) {
        const found = records[i] ?? single.get(part.start);
        if (!found) return part.start;
        this.#put(part, found);
        if (this.#isFull) return undefined;
      }
    }
    return missing < 0 ? undefined : units[missing]!.start;
  }

  /** The wanted pages of a segment, one by one. */
  #pagesIn(group: number, start: number, count: number): Unit[] {
    const pages = Array.from({ length: count }, (_, i) => ({ group, start: start + i, count: 1 }));
    return pages.filter((page) => this.#wanted.has(page.start));
  }

  /** Reads the values of units, of which each has one or two. */
  async #decode(
    units: readonly Unit[],
    values: readonly (Uint8Array | undefined)[],
  ): Promise<(FoundRecord | undefined)[]> {
    const { namespace = '', key: seal, signal } = this.#options;
    const { layout, stored } = this.#core;
    const records: (FoundRecord | undefined)[] = [];
    let at = 0;
    for (const unit of units) {
      const { group, start, count } = unit;
      let usable: FoundRecord | undefined;
      for (const key of this.#keysOf(unit)) {
        const bytes = values[at++];
        if (!bytes || usable) continue;
        const expected = {
          geometry: stored.text,
          namespace: namespaceText(namespace),
          group,
          pageSize: layout.pageSize,
          depth: start,
          parent: this.#chain.nameBefore(start),
          name: this.#chain.nameBefore(start + count),
          tokens: this.#chain.tokensOf(start, start + count),
          pageBytes: this.#core.pageBytes(group),
        };
        const found = await decodeRecord(bytes, expected, seal);
        if ('refused' in found) {
          this.#refused.push({ key, ...found });
          this.#core.refused.add(key);
        } else {
          usable = { key, record: found };
        }
      }
      records.push(usable);
    }
    signal?.throwIfAborted();
    this.#core.assertUsable('cache.load');
    return records;
  }

  #put({ group, start, count }: Unit, { key, record }: FoundRecord): void {
    const { onProgress } = this.#options;
    if (this.#chain.isCleared) {
      this.#isFull = true;
      return;
    }
    const { loaded, left } = placeRecord(this.#core, this.#chain.parentOf(start), record, {
      take: (nodes) => this.#chain.adopt(nodes, group),
      seen: (node) => this.#chain.seen(node),
      wants: (node) => this.#wanted.has(node.depth),
    });
    this.#isFull = left > 0;
    this.#loaded += loaded;
    this.#bytes += loaded * this.#core.pageBytes(group);
    const last = this.#chain.nodeOf(start + count - 1);
    // A record of version 1 is saved anew, in version 2.
    if (last && key.startsWith('v2')) this.#core.keptIn(this.#store).add(last, key);
    for (let i = start; i < start + count; i++) if (this.#wanted.has(i)) this.#done++;
    onProgress?.({ done: this.#done, total: this.#total });
  }
}
