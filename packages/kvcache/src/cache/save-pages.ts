import type { Tensor } from '@heed/core';
import { fail, type Meant, type NamesOf, readOptions, show } from '@heed/core/kernel';
import { packPages } from '../kernels/packed-pages.ts';
import type { PageName } from '../pages/page-name.ts';
import type { PrefixNode } from '../pages/prefix-node.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { encodeRecord, type PageRecord } from '../stores/page-record.ts';
import { ask, askKeys, checkStore, chunks } from '../stores/store-ask.ts';
import { namespaceText, storeKey } from '../stores/store-key.ts';
import type { CacheCore } from './cache-core.ts';
import { type KvSequence, statesOf } from './kv-sequence.ts';
import { planLinks, type PlannedRecord, planRecords } from './record-plan.ts';
import { meantStore, storeNames, type StoreOptions } from './store-options.ts';

/** Options of `save`. */
export interface SaveOptions extends StoreOptions {
  /**
   * Saves the committed pages of these sequences, as they are at the call: a window may release them, or a truncate, meanwhile.
   * Private sequences, of which `keep` has dropped rows, are passed by.
   */
  readonly sequences?: readonly KvSequence[];
  /** Saves the pages of these names, as they are at the call, such as those that 'stored' events told. */
  readonly names?: readonly PageName[];
}

export const saveNames: NamesOf<SaveOptions> = { ...storeNames, sequences: 1, names: 1 };

const meantSave: Meant = () => ({ ...meantStore(), tokens: 'tokens is an option of load.' });

/** Result of `save`. */
export interface SaveReport {
  /** Pages that were put, with `groups` those of each group. Where a store kept only some of the records that it was given at once, the fewest that it may be. */
  readonly saved: number;
  /** Pages that the store already had. */
  readonly known: number;
  /** Pages that were evicted before they were saved; names that the cache does not have. */
  readonly lost: number;
  /** Records that the store refused, because it is full, for example. */
  readonly refused: number;
  /** Bytes of the records that were put. */
  readonly bytes: number;
}

/** A record and its key. */
interface Item extends PlannedRecord {
  readonly key: string;
}

/** Items whose pages are packed on the GPU, one after another. */
interface PackedItems {
  readonly items: readonly Item[];
  readonly packed: Tensor;
}

/**
 * Puts records into the store, parents first, so that an interrupted save is useful. Without sequences and names, all pages are
 * saved, and the store lists what it has. With them, all pages are packed at the call, and the cache knows what it has put.
 */
export async function save(
  core: CacheCore,
  store: KvStore,
  given: SaveOptions | undefined,
): Promise<SaveReport> {
  const fn = 'cache.save';
  core.assertUsable(fn);
  const options = readOptions(fn, given, saveNames, meantSave);
  checkStore(fn, store, options, 'sign');
  const { namespace = '', signal } = options;
  signal?.throwIfAborted();
  const chosen = chosenPages(fn, core, options);
  const named = chosen?.nodes ?? core.ledger.tree.stored();
  const run = new SaveRun(fn, core, store, options);
  const withKey = (record: PlannedRecord): Item => ({
    ...record,
    key: recordKey(core, namespace, record),
  });
  const records = core.segments
    .flatMap((segment, group) => planRecords(named, segment, group))
    .toSorted((a, b) => a.nodes[0]!.depth - b.nodes[0]!.depth)
    .map(withKey);
  if (chosen) {
    const kept = core.keptIn(store);
    run.report.lost += chosen.unknown;
    const isKept = (record: Item): boolean => kept.has(record.nodes.at(-1)!, record.key);
    // A page that was saved before the window released it needs no link.
    const links = planLinks(named)
      .filter((link) => !isKept(withKey({ ...link, isLink: false })))
      .map(withKey);
    const missing = run.start(links, records, isKept);
    const early = [...run.chunks(missing)].map((items) => ({ items, packed: pack(core, items) }));
    try {
      for (const packed of early) await run.put(packed);
    } finally {
      for (const { packed } of early) packed.dispose();
    }
    return run.report;
  }
  const links = planLinks(named).map(withKey);
  const stored = new Set<string>();
  for await (const key of askKeys(core.gpu, store, signal)) stored.add(key);
  const missing = run.start(links, records, ({ key }) => stored.has(key));
  for (const items of run.chunks(missing)) {
    // A named page does not change, but it may have lost its name while the store was writing.
    const there = run.withoutLost(items);
    const packed = pack(core, there);
    await run.put({ items: there, packed }).finally(() => packed.dispose());
  }
  return run.report;
}

/** One call of `save`. */
class SaveRun {
  readonly report: { -readonly [K in keyof SaveReport]: SaveReport[K] } = {
    saved: 0,
    known: 0,
    lost: 0,
    refused: 0,
    bytes: 0,
  };
  readonly #fn: string;
  readonly #core: CacheCore;
  readonly #store: KvStore;
  readonly #options: SaveOptions;
  #done = 0;
  #total = 0;

  constructor(fn: string, core: CacheCore, store: KvStore, options: SaveOptions) {
    this.#fn = fn;
    this.#core = core;
    this.#store = store;
    this.#options = options;
  }

  /** Returns the records to put: those that the store lacks, and those that a load has refused. */
  start(
    links: readonly Item[],
    records: readonly Item[],
    isStored: (item: Item) => boolean,
  ): Item[] {
    const isKnown = (item: Item): boolean => isStored(item) && !this.#core.refused.has(item.key);
    const missing = [...links, ...records].filter((item) => !isKnown(item));
    this.report.known = records.filter(isKnown).reduce((sum, { fresh }) => sum + fresh, 0);
    this.#total = missing.length;
    return missing;
  }

  chunks(items: readonly Item[]): Generator<readonly Item[]> {
    return chunks(items, (item) => bytesOf(this.#core, item));
  }

  withoutLost(items: readonly Item[]): Item[] {
    const isThere = ({ group, nodes, isLink }: Item): boolean =>
      isLink || nodes.every((node) => node.has(group));
    const there = items.filter(isThere);
    this.report.lost += items.reduce((sum, item) => sum + (isThere(item) ? 0 : item.fresh), 0);
    if (there.length < items.length) this.#advance(items.length - there.length);
    return there;
  }

  async put({ items, packed }: PackedItems): Promise<void> {
    const { namespace = '', key, signal } = this.#options;
    if (items.length === 0) return;
    const all = bytesOfWords(await packed.read());
    let start = 0;
    const payloads = items.map((item) => {
      const end = start + bytesOf(this.#core, item);
      const payload = all.subarray(start, end);
      start = end;
      return payload;
    });
    this.#core.assertUsable(this.#fn);
    const many = this.#store.putMany ? ([] as [string, Uint8Array][]) : undefined;
    for (const [i, item] of items.entries()) {
      const record = recordOf(this.#core, namespace, item, payloads[i]!);
      const bytes = await encodeRecord(record, key);
      if (many) {
        many.push([item.key, bytes]);
        continue;
      }
      await ask(this.#core.gpu, signal, () => this.#store.put(item.key, bytes));
      this.#kept([item], bytes.length);
      this.#advance(1);
    }
    if (!many) return;
    const { kept, refused } = await ask(this.#core.gpu, signal, () =>
      this.#store.putMany!(many, { signal }),
    );
    this.report.refused += refused;
    const bytes = many.reduce((sum, [, value]) => sum + value.length, 0);
    if (refused === 0) this.#kept(items, bytes);
    else this.#saved(fewest(items, kept), fewest(items.filter(this.#isTold), kept));
    this.#advance(items.length);
  }

  #kept(items: readonly Item[], bytes: number): void {
    this.#core.assertUsable(this.#fn);
    for (const { key, group, nodes, fresh } of items) {
      this.#core.refused.delete(key);
      this.#core.keptIn(this.#store).add(nodes.at(-1)!, key);
      this.#saved(fresh, this.#isTold({ group }) ? fresh : 0);
    }
    this.report.bytes += bytes;
  }

  readonly #isTold = ({ group }: Pick<Item, 'group'>): boolean => group === this.#core.ledger.told;

  /** Counts pages; as tokens, those of the group whose pages events tell. */
  #saved(pages: number, told = pages): void {
    this.report.saved += pages;
    this.#core.moved.saved += told * this.#core.layout.pageSize;
  }

  #advance(count: number): void {
    this.#done += count;
    this.#options.onProgress?.({ done: this.#done, total: this.#total });
  }
}

/** Returns the fewest pages that `kept` of these records hold. */
const fewest = (items: readonly Item[], kept: number): number =>
  items
    .map(({ fresh }) => fresh)
    .toSorted((a, b) => a - b)
    .slice(0, kept)
    .reduce((sum, fresh) => sum + fresh, 0);

interface ChosenPages {
  readonly nodes: readonly PrefixNode[];
  /** Names that the cache does not have. */
  readonly unknown: number;
}

/** Returns the pages that `sequences` or `names` choose; undefined where all are saved. */
function chosenPages(
  fn: string,
  core: CacheCore,
  { sequences, names }: SaveOptions,
): ChosenPages | undefined {
  if (sequences === undefined && names === undefined) return undefined;
  if (sequences !== undefined && names !== undefined) {
    fail(fn, 'sequences and names are alternatives', 'both', 'Pass one of them.');
  }
  const nodes = new Set<PrefixNode>();
  if (sequences !== undefined) {
    for (const state of statesOf(fn, core, sequences)) {
      let node: PrefixNode | undefined = state.isPrivate ? undefined : state.node;
      for (; node && !nodes.has(node); node = node.parent) {
        if (node.isStored) nodes.add(node);
      }
    }
    return { nodes: [...nodes], unknown: 0 };
  }
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    fail(fn, 'names must be an array of page names', show(names), "Pass those of 'stored' events.");
  }
  const wanted = new Set<PageName>(names);
  for (const node of core.ledger.tree.stored()) if (wanted.has(node.name)) nodes.add(node);
  return { nodes: [...nodes], unknown: wanted.size - nodes.size };
}

const recordKey = (
  core: CacheCore,
  namespace: string,
  { group, nodes, isLink }: PlannedRecord,
): string =>
  storeKey({
    geometry: core.stored.digest,
    namespace,
    group,
    depth: nodes[0]!.depth,
    name: nodes.at(-1)!.name,
    isLink,
  });

/** Bytes of a record's rows. */
const bytesOf = (core: CacheCore, { group, nodes, isLink }: PlannedRecord): number =>
  isLink ? 0 : nodes.length * core.pageBytes(group);

function recordOf(
  core: CacheCore,
  namespace: string,
  { group, nodes }: PlannedRecord,
  payload: Uint8Array,
): PageRecord {
  const [first, last] = [nodes[0]!, nodes.at(-1)!];
  const { pageSize } = core.layout;
  const tokens = new Uint32Array(nodes.length * pageSize);
  nodes.forEach((node, i) => tokens.set(node.tokens, i * pageSize));
  return {
    geometry: core.stored.text,
    namespace: namespaceText(namespace),
    group,
    depth: first.depth,
    parent: first.parent!.name,
    name: last.name,
    pages: nodes.length,
    tokens,
    payload,
  };
}

/** Copies the pages of items on the GPU, so that they may change afterwards. */
function pack(core: CacheCore, items: readonly Item[]): Tensor {
  const rows = items.filter(({ isLink }) => !isLink);
  return packPages(
    core.gpu,
    rows.map(({ group, nodes }) => ({
      group: core.poolsOf(group),
      pages: nodes.map((node) => node.best(group)!.pages),
    })),
  );
}

/** WebGPU runs on little-endian hosts only, and records are little-endian. */
const bytesOfWords = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
