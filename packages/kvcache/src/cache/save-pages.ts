import { type Meant, type NamesOf, readOptions } from '@heed/core/kernel';
import { packPages } from '../kernels/packed-pages.ts';
import { pageBytes } from '../pages/page-geometry.ts';
import type { PrefixNode } from '../pages/prefix-tree.ts';
import type { KvStore } from '../stores/kv-store.ts';
import { encodeRecord } from '../stores/page-record.ts';
import { ask, askKeys, checkStore, chunks } from '../stores/store-ask.ts';
import { storeKey } from '../stores/store-key.ts';
import type { CacheCore } from './cache-core.ts';

/** Options of `save`. */
export interface SaveOptions {
  /**
   * Distinguishes models that share a store. It must name the weights, which the names of pages do not. At most 80 characters, of
   * which all but a–z 0–9 - count as 5. Required except for `memoryStore()`; '' says that the store serves one model only.
   */
  readonly namespace?: string;
  /** On abort, the call rejects with the reason at once, also while the store does not answer. Pages that were put stay. */
  readonly signal?: AbortSignal;
  /** Called after each record. Lost records count as done. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export const saveNames: NamesOf<SaveOptions> = { namespace: 1, signal: 1, onProgress: 1 };

export const meantSave: Meant = () => ({
  model: 'namespace',
  name: 'namespace',
  abort: 'signal',
  progress: 'onProgress',
});

/** Result of `save`. */
export interface SaveReport {
  /** Pages that were put. */
  readonly saved: number;
  /** Pages that the store already had. */
  readonly known: number;
  /** Pages that were evicted before they were saved. */
  readonly lost: number;
  /** Bytes of the records that were put. */
  readonly bytes: number;
}

/** A record to put: a page, or the link of a page that a window has released. */
interface Item {
  readonly key: string;
  readonly node: PrefixNode;
}

/** Puts a record into the store for each prefix that has a page, parents first, so that an interrupted save is useful. */
export async function save(
  core: CacheCore,
  store: KvStore,
  given: SaveOptions | undefined,
): Promise<SaveReport> {
  const fn = 'cache.save';
  core.assertUsable(fn);
  const options = readOptions(fn, given, saveNames, meantSave);
  checkStore(fn, store, options);
  const { namespace = '', signal, onProgress } = options;
  signal?.throwIfAborted();
  const { geometry } = core;
  const named = core.ledger.tree.named();
  const released = releasedAncestors(named);
  const stored = new Set<string>();
  for await (const key of askKeys(core.gpu, store, signal)) stored.add(key);
  const missing = (nodes: readonly PrefixNode[], isLink: boolean): Item[] =>
    nodes
      .map((node) => {
        const { name, depth } = node;
        return { node, key: storeKey({ geometry, namespace, depth, name, isLink }) };
      })
      .filter(({ key }) => !stored.has(key) || core.refused.has(key))
      .toSorted((a, b) => a.node.depth - b.node.depth);
  const [links, pages] = [missing(released, true), missing(named, false)];
  const report = { saved: 0, known: named.length - pages.length, lost: 0, bytes: 0 };
  const total = links.length + pages.length;
  let done = 0;
  const advance = (count: number): void => {
    done += count;
    onProgress?.({ done, total });
  };
  const put = async ({ key, node }: Item, payload: Uint8Array): Promise<void> => {
    const { name, parent, depth, tokens } = node;
    const record = { geometry, name, parent: parent!.name, depth, tokens, payload };
    const bytes = await encodeRecord(record);
    await ask(core.gpu, signal, () => store.put(key, bytes));
    core.assertUsable(fn);
    core.refused.delete(key);
    report.bytes += bytes.length;
  };
  for (const item of links) {
    await put(item, new Uint8Array());
    advance(1);
  }
  for (const group of chunks(pages, pageBytes(geometry))) {
    // A named page does not change, but it may have lost its name while the store was writing.
    const there = group.filter(({ node }) => node.pages.length > 0);
    if (there.length < group.length) {
      report.lost += group.length - there.length;
      advance(group.length - there.length);
    }
    for (const [item, payload] of await payloadsOf(core, there)) {
      core.assertUsable(fn);
      await put(item, payload);
      report.saved++;
      advance(1);
    }
  }
  return report;
}

/** Returns the ancestors of named pages that a window has released. */
function releasedAncestors(named: readonly PrefixNode[]): PrefixNode[] {
  const released = new Set<PrefixNode>();
  for (const { parent } of named) {
    let above = parent;
    while (above && above.depth >= 0 && above.pages.length === 0 && !released.has(above)) {
      released.add(above);
      above = above.parent;
    }
  }
  return [...released];
}

/** Reads the current contents of pages. */
async function payloadsOf(
  { gpu, geometry, pools }: CacheCore,
  items: readonly Item[],
): Promise<[Item, Uint8Array][]> {
  if (items.length === 0) return [];
  using packed = packPages(
    gpu,
    geometry,
    pools,
    items.map(({ node }) => [node.pages[0]!]),
  );
  const bytes = bytesOf(await packed.read());
  const size = bytes.length / items.length;
  return items.map((item, i) => [item, bytes.subarray(i * size, (i + 1) * size)]);
}

/** WebGPU runs on little-endian hosts only, as records are. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
