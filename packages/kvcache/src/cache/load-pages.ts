import { fail, type Meant, type NamesOf, readOptions, show } from '@heed/core/kernel';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { TokenIds } from '../pages/token-ids.ts';
import { checkTokens, checkWhole } from '../pages/whole-numbers.ts';
import type { KvStore } from '../stores/kv-store.ts';
import {
  decodeRecord,
  type ExpectedRecord,
  type PageRecord,
  type RefusedRecord,
} from '../stores/page-record.ts';
import { askKeys, checkStore, chunks } from '../stores/store-ask.ts';
import { pieceBytes } from '../stores/shared-fetches.ts';
import { namespaceText, type ParsedKey, parseKey } from '../stores/store-key.ts';
import type { CacheCore } from './cache-core.ts';
import { loadChain } from './load-chain.ts';
import type { LoadReport, RefusedPage } from './load-report.ts';
import { LoadedNodes } from './loaded-nodes.ts';
import { placeRecord, type Placed, type Placing } from './place-record.ts';
import { PromptChain } from './prompt-chain.ts';
import { meantStore, storeNames, type StoreOptions } from './store-options.ts';
import { timedHold } from './timed-hold.ts';

/** Options of `load`. `onProgress` is called after each record that was examined. */
export interface LoadOptions extends StoreOptions {
  /**
   * Loads the pages of this prompt only, as far as the store has them without a gap, and of a windowed cache only what the next token
   * sees. They may take the place of cached pages. The store is not listed.
   */
  readonly tokens?: TokenIds;
  /** With `tokens`: as in `open`. Default: the empty salt. */
  readonly salt?: string;
  /** Most bytes of pages to load, 0 or more. Default: no limit. */
  readonly maxBytes?: number;
}

export const loadNames: NamesOf<LoadOptions> = { ...storeNames, tokens: 1, salt: 1, maxBytes: 1 };

const meantLoad: Meant = () => ({
  ...meantStore(),
  prompt: 'tokens',
  inputids: 'tokens',
  names: 'names is an option of save; pass tokens.',
  sequences: 'sequences is an option of save; pass tokens.',
});

type Outcome = Placed | Pick<RefusedPage, 'refused' | 'reason'>;

/** Makes the pages of a store findable: those of a prompt, or all. */
export async function load(
  core: CacheCore,
  store: KvStore,
  given: LoadOptions | undefined,
): Promise<LoadReport> {
  const fn = 'cache.load';
  core.assertUsable(fn);
  const options = readOptions(fn, given, loadNames, meantLoad);
  checkStore(fn, store, options, 'verify');
  const { tokens, salt, maxBytes, signal } = options;
  if (maxBytes !== undefined) checkWhole(fn, 'maxBytes', maxBytes, 0);
  if (salt !== undefined && typeof salt !== 'string') {
    fail(fn, 'salt must be a string', show(salt), 'Leave it out.');
  }
  if (salt !== undefined && tokens === undefined) {
    fail(fn, 'salt needs tokens', 'none', 'Without tokens, prefixes of every salt are loaded.');
  }
  const ids = tokens && Uint32Array.from(checkTokens(fn, tokens));
  signal?.throwIfAborted();
  return ids ? loadPrompt(core, store, ids, options) : loadAll(fn, core, store, options);
}

async function loadPrompt(
  core: CacheCore,
  store: KvStore,
  tokens: Uint32Array,
  options: LoadOptions,
): Promise<LoadReport> {
  const chain = new PromptChain(core, tokens, options.salt ?? '');
  try {
    const report = await loadChain(core, store, chain, options);
    chain.close();
    core.events.deliver();
    return { ...report, hold: timedHold(core, chain.hold) };
  } catch (error) {
    if (!core.isDisposed) {
      chain.close();
      core.ledger.letGo(chain.hold);
    }
    core.events.deliver();
    throw error;
  }
}

/** Loads all pages, parents first. Takes free pages only, and evicts nothing. */
async function loadAll(
  fn: string,
  core: CacheCore,
  store: KvStore,
  options: LoadOptions,
): Promise<LoadReport> {
  const { namespace = '', key: seal, signal, onProgress, maxBytes = Infinity } = options;
  const entries = await entriesOf(core, store, namespace, seal, signal);
  const nodes = new LoadedNodes(core);
  const report = { loaded: 0, known: 0, left: 0, refused: [] as RefusedPage[] };
  let room = maxBytes;
  const take = (missing: readonly PrefixNode[], group: number): readonly PageSet[] => {
    const bytes = core.pageBytes(group);
    const sets = core.ledger.adopt(missing.slice(0, Math.floor(room / bytes)), group);
    room -= sets.length * bytes;
    return sets;
  };
  try {
    for await (const [i, { key, page }, bytes] of valuesOf(core, store, entries, signal)) {
      const record = bytes && (await decodeRecord(bytes, expectedOf(core, page), seal));
      signal?.throwIfAborted();
      core.assertUsable(fn);
      const outcome = place(core, nodes, record, page, take);
      if ('refused' in outcome) {
        report.refused.push({ key, ...outcome });
        if (outcome.refused !== 'orphan') core.refused.add(key);
      } else if (!page.isLink) {
        for (const name of ['loaded', 'known', 'left'] as const) report[name] += outcome[name];
      }
      onProgress?.({ done: i + 1, total: entries.length });
    }
  } finally {
    if (!core.isDisposed) nodes.release();
    core.events.deliver();
  }
  return report;
}

/** Yields entries, in order, with their values. At most 32 MiB are under way at a time. */
async function* valuesOf(
  core: CacheCore,
  store: KvStore,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): AsyncGenerator<[number, Entry, Uint8Array | undefined]> {
  // A key does not tell a segment from the first of its pages.
  const bytesOf = ({ page: { group, depth } }: Entry): number => {
    const segment = core.segments[group]!;
    return (depth % segment === 0 ? segment : 1) * core.pageBytes(group);
  };
  const keysOf = (group: readonly Entry[]): string[] => group.map(({ key }) => key);
  const groups = [...chunks(entries, bytesOf, pieceBytes)];
  let done = 0;
  const most = Math.max(...core.segments.map((pages, group) => pages * core.pageBytes(group)));
  const fetches = core.fetchesFrom(store).ahead(groups, keysOf, signal, most);
  for await (const [group, values] of fetches) {
    for (const [i, value] of values.entries()) yield [done++, group[i]!, await value];
  }
}

interface Entry {
  readonly key: string;
  readonly page: ParsedKey;
}

/** Returns the store's records for this cache, parents before their continuations, links before pages. */
async function entriesOf(
  core: CacheCore,
  store: KvStore,
  namespace: string,
  seal: CryptoKey | undefined,
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const groups = core.layout.groups.length;
  for await (const key of askKeys(core.gpu, store, signal)) {
    const page = parseKey(key);
    if (page?.namespace !== namespace || page.group >= groups) continue;
    // Where a group has no window, all pages of a prefix must be cached, so a link is useless.
    if (page.isLink && core.fullGroups.length > 0) continue;
    if (page.version === 1 && groups > 1) continue;
    if (page.version === 1 && seal) continue; // it has no HMAC
    const { text, digest } = core.stored;
    if (page.geometry === (page.version === 1 ? text : digest)) entries.push({ key, page });
  }
  // Of equal depths, links first, then groups without a window.
  const full = new Set(core.fullGroups);
  const rank = ({ group, isLink }: ParsedKey): number => (isLink ? 0 : full.has(group) ? 1 : 2);
  return entries.toSorted(
    ({ page: a }, { page: b }) => a.depth - b.depth || rank(a) - rank(b) || a.group - b.group,
  );
}

const expectedOf = (
  core: CacheCore,
  { namespace, group, name, depth, isLink }: ParsedKey,
): ExpectedRecord => ({
  geometry: core.stored.text,
  namespace: namespaceText(namespace),
  group,
  pageSize: core.layout.pageSize,
  name,
  depth,
  pageBytes: isLink ? 0 : core.pageBytes(group),
});

function place(
  core: CacheCore,
  nodes: LoadedNodes,
  record: PageRecord | RefusedRecord | undefined,
  { depth, isLink }: ParsedKey,
  take: Placing['take'],
): Outcome {
  if (!record) return { refused: 'missing', reason: 'the store lists it but does not have it' };
  if ('refused' in record) return record;
  const parent = nodes.parent(record.parent, depth);
  if (!parent) {
    const reason = `the page before it, ${record.parent}, is neither in the cache nor in the store`;
    return { refused: 'orphan', reason };
  }
  if (isLink) {
    nodes.add(core.ledger.tree.insert(parent, record.tokens, 0));
    return { loaded: 0, known: 0, left: 0 };
  }
  return placeRecord(core, parent, record, { take, seen: (node) => nodes.add(node) });
}
