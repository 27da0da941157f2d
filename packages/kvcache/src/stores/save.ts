import type { CacheCore } from '../core.ts';
import { packPages } from '../kernels/pack/pack.ts';
import { pageBytes } from '../pages/pools.ts';
import type { PrefixNode } from '../prefix/node.ts';
import { checkStore } from './check.ts';
import { chunks } from './chunks.ts';
import { encodeRecord } from './record.ts';
import { storeKey } from './store-key.ts';
import type { KvStore } from './store.ts';

/** Which model's pages a store gets, and how far it has come. */
export interface SaveOptions {
  /**
   * Tells models apart that share a store: it must name the weights, which the names of pages do not. At most 80 characters,
   * each but a–z 0–9 - counting as 5; default ''.
   */
  readonly namespace?: string;
  /** After an abort `save` rejects with its reason; the pages that were put stay. */
  readonly signal?: AbortSignal;
  /** Called after each page; those that were lost count as done. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a save did. */
export interface SaveReport {
  /** Pages that were put. */
  readonly saved: number;
  /** Pages that the store had already. */
  readonly known: number;
  /** Pages that were given up for others before their turn came. */
  readonly lost: number;
  /** Bytes of the records that were put. */
  readonly bytes: number;
}

/** Puts a record into the store for each prefix that has a page, parents first, so that half a save is of use. */
export async function save(
  core: CacheCore,
  store: KvStore,
  options: SaveOptions,
): Promise<SaveReport> {
  const fn = 'cache.save';
  core.assertUsable(fn);
  checkStore(fn, store, options);
  const { namespace = '', signal, onProgress } = options;
  signal?.throwIfAborted();
  const keyOf = ({ name, depth }: PrefixNode): string =>
    storeKey({ geometry: core.geometry, namespace, depth, name });
  const named = [...core.ledger.tree.nodes()].filter(({ pages }) => pages.length > 0);
  const stored = await keysOf(store, signal);
  const missing = named.filter((node) => !stored.has(keyOf(node)));
  missing.sort((a, b) => a.depth - b.depth);
  const report = { saved: 0, known: named.length - missing.length, lost: 0, bytes: 0 };
  const tell = (): void =>
    onProgress?.({ done: report.saved + report.lost, total: missing.length });
  for (const group of chunks(missing, pageBytes(core.geometry))) {
    core.assertUsable(fn);
    // What has a name does not change, but it may have lost it while the store was at work.
    const there = group.filter(({ pages }) => pages.length > 0);
    if (there.length < group.length) {
      report.lost += group.length - there.length;
      tell();
    }
    for (const [node, payload] of await payloadsOf(core, there)) {
      signal?.throwIfAborted();
      core.assertUsable(fn);
      const { geometry } = core;
      const { name, parent, depth, tokens } = node;
      const record = { geometry, name, parent: parent!.name, depth, tokens, payload };
      const bytes = await encodeRecord(record);
      await store.put(keyOf(node), bytes);
      report.saved++;
      report.bytes += bytes.length;
      tell();
    }
  }
  return report;
}

async function keysOf(store: KvStore, signal: AbortSignal | undefined): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const key of store.keys()) {
    signal?.throwIfAborted();
    keys.add(key);
  }
  return keys;
}

/** The contents of pages as they are now. */
async function payloadsOf(
  { gpu, geometry, pools }: CacheCore,
  nodes: readonly PrefixNode[],
): Promise<[PrefixNode, Uint8Array][]> {
  if (nodes.length === 0) return [];
  const packed = packPages(
    gpu,
    geometry,
    pools,
    Int32Array.from(nodes, ({ pages }) => pages[0]!),
  );
  try {
    const words = (await packed.read()) as Uint32Array;
    const size = words.length / nodes.length;
    return nodes.map((node, i) => [node, littleEndian(words.subarray(i * size, (i + 1) * size))]);
  } finally {
    packed.dispose();
  }
}

function littleEndian(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.byteLength);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytes;
}
