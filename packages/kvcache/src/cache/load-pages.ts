import { readOptions } from '@heed/core/kernel';
import { unpackPages } from '../kernels/packed-pages.ts';
import { geometryText, pageBytes } from '../pages/page-geometry.ts';
import type { PageName } from '../pages/page-name.ts';
import type { PrefixNode, PrefixTree } from '../pages/prefix-tree.ts';
import type { KvStore } from '../stores/kv-store.ts';
import {
  decodeRecord,
  type PageRecord,
  type PageRefusal,
  type RefusedRecord,
} from '../stores/page-record.ts';
import { askKeys, askMany, checkStore, chunks } from '../stores/store-ask.ts';
import { parseKey, type StoreKey } from '../stores/store-key.ts';
import type { CacheCore } from './cache-core.ts';
import { meantSave, saveNames, type SaveOptions } from './save-pages.ts';

/** Options of `load`: those of `save`. `onProgress` is called after each record that was examined. */
export type LoadOptions = SaveOptions;

/** A page that was left out, and why. */
export interface RefusedPage {
  /** Its key in the store. */
  readonly key: string;
  readonly refused: PageRefusal;
  /** In words, with the found and the expected value. */
  readonly reason: string;
}

/** Result of `load`. Pages of other namespaces and geometries in the store are not counted. */
export interface LoadReport {
  /** Pages that became findable. */
  readonly loaded: number;
  /** Pages that the cache already had. */
  readonly known: number;
  /** Pages for which no page was free, or none for the pages before them. */
  readonly left: number;
  /** Pages that could not be used. */
  readonly refused: readonly RefusedPage[];
}

type Outcome = 'loaded' | 'known' | 'left' | Pick<RefusedPage, 'refused' | 'reason'>;

/** Makes the pages of a store findable, parents first. Takes free pages only, and evicts nothing. */
export async function load(
  core: CacheCore,
  store: KvStore,
  given: LoadOptions | undefined,
): Promise<LoadReport> {
  const fn = 'cache.load';
  core.assertUsable(fn);
  const options = readOptions(fn, given, saveNames, meantSave);
  checkStore(fn, store, options);
  const { namespace = '', signal, onProgress } = options;
  signal?.throwIfAborted();
  const entries = await entriesOf(core, store, namespace, signal);
  const nodes = new LoadedNodes(core);
  const report = { loaded: 0, known: 0, left: 0, refused: [] as RefusedPage[] };
  try {
    for await (const [i, { key, page }, bytes] of valuesOf(core, store, entries, signal)) {
      const record = bytes && (await decodeRecord(bytes, expectedOf(core, page)));
      signal?.throwIfAborted();
      core.assertUsable(fn);
      const outcome = place(core, nodes, record, page);
      if (typeof outcome === 'string') {
        if (!page.isLink) report[outcome]++;
      } else {
        report.refused.push({ key, ...outcome });
        if (outcome.refused !== 'orphan') core.refused.add(key);
      }
      onProgress?.({ done: i + 1, total: entries.length });
    }
  } finally {
    if (!core.isDisposed) nodes.release();
    core.events.deliver();
  }
  return report;
}

/** Yields entries, in order, with their values. At most 32 MiB are asked for at a time. */
async function* valuesOf(
  { gpu, geometry }: CacheCore,
  store: KvStore,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): AsyncGenerator<[number, Entry, Uint8Array | undefined]> {
  const size = pageBytes(geometry);
  let done = 0;
  for (const group of chunks(entries, size)) {
    const keys = group.map(({ key }) => key);
    const answers = askMany(gpu, store, keys, signal, size);
    for (const [i, answer] of answers.entries()) yield [done++, group[i]!, await answer];
  }
}

interface Entry {
  readonly key: string;
  readonly page: StoreKey;
}

/** Returns the store's pages for this cache, parents before their continuations, links before pages. */
async function entriesOf(
  core: CacheCore,
  store: KvStore,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const key of askKeys(core.gpu, store, signal)) {
    const page = parseKey(key);
    if (page?.namespace !== namespace) continue;
    // Without a window, all pages of a prefix must be cached, so a link is useless.
    if (page.isLink && core.window === undefined) continue;
    if (geometryText(page.geometry) === geometryText(core.geometry)) entries.push({ key, page });
  }
  const order = ({ page: { depth, isLink } }: Entry): number => 2 * depth + (isLink ? 0 : 1);
  return entries.toSorted((a, b) => order(a) - order(b));
}

const expectedOf = ({ geometry }: CacheCore, { name, depth, isLink }: StoreKey) => ({
  geometry,
  name,
  depth,
  payloadBytes: isLink ? 0 : pageBytes(geometry),
});

function place(
  core: CacheCore,
  nodes: LoadedNodes,
  record: PageRecord | RefusedRecord | undefined,
  { depth, isLink }: StoreKey,
): Outcome {
  if (!record) return { refused: 'missing', reason: 'the store lists it but does not have it' };
  if ('refused' in record) return record;
  const parent = nodes.parent(record.parent, depth);
  if (!parent) {
    const reason = `the page before it, ${record.parent}, is neither in the cache nor in the store`;
    return { refused: 'orphan', reason };
  }
  const { gpu, geometry, pools, ledger } = core;
  const node = ledger.tree.insert(parent, record.tokens, 0);
  nodes.add(node);
  if (isLink || node.pages.length > 0) return 'known';
  // Without a window, a page is found only if all pages before it are cached.
  const isCutOff = core.window === undefined && parent.depth >= 0 && parent.pages.length === 0;
  const page = isCutOff ? undefined : ledger.adopt(node);
  if (page === undefined) return 'left';
  unpackPages(gpu, geometry, pools, [page], record.payload);
  return 'loaded';
}

/** The prefixes of a cache by name, during a load. It holds them, so that none is pruned while the store is busy. */
class LoadedNodes {
  readonly #core: CacheCore;
  readonly #nodes = new Map<PageName, PrefixNode>();
  /** The tree of the nodes. `clear()` replaces the cache's tree. */
  #tree: PrefixTree;

  constructor(core: CacheCore) {
    this.#core = core;
    this.#tree = core.ledger.tree;
    for (const node of this.#tree.nodes()) this.add(node);
  }

  add(node: PrefixNode): void {
    if (this.#nodes.has(node.name)) return;
    node.holders++;
    this.#nodes.set(node.name, node);
  }

  /** Returns the parent of a page of this depth. The parent of a first page is a root, whatever the salt. */
  parent(name: PageName, depth: number): PrefixNode | undefined {
    this.#forgetCleared();
    return depth === 0 ? this.#tree.root(name) : this.#nodes.get(name);
  }

  release(): void {
    this.#forgetCleared();
    for (const node of this.#nodes.values()) {
      node.holders--;
      this.#tree.prune(node);
    }
    this.#nodes.clear();
  }

  #forgetCleared(): void {
    const { tree } = this.#core.ledger;
    if (tree === this.#tree) return;
    this.#nodes.clear();
    this.#tree = tree;
  }
}
