import { unpackPages } from '../kernels/packed-pages.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { PageRecord } from '../stores/page-record.ts';
import type { CacheCore } from './cache-core.ts';

/** What became of the pages of a record, in numbers. */
export interface Placed {
  readonly loaded: number;
  readonly known: number;
  readonly left: number;
}

/** How a load takes a record's pages. */
export interface Placing {
  /** Takes pages for prefixes without one: for the first ones, as far as there is room. */
  readonly take: (nodes: readonly PrefixNode[]) => readonly PageSet[];
  /** Called with the node of each page, known or not. */
  readonly seen: (node: PrefixNode) => void;
  /** Whether a page is wanted; others of the record count as known. */
  readonly wants?: (node: PrefixNode) => boolean;
}

/**
 * Makes the pages of a record findable that are not, and copies their rows there.
 *
 * @param parent the node before the record
 */
export function placeRecord(
  core: CacheCore,
  parent: PrefixNode,
  record: PageRecord,
  { take, seen, wants = () => true }: Placing,
): Placed {
  const { gpu, geometry, pools, ledger, window } = core;
  let above = parent;
  const nodes = Array.from({ length: record.pages }, (_, i) => {
    above = ledger.tree.insert(above, record.tokens, i * geometry.pageSize);
    seen(above);
    return above;
  });
  const missing = nodes.filter((node) => !node.has(0) && wants(node));
  // Without a window, a page is found only if all pages before it are cached.
  const isCutOff = window === undefined && parent.depth >= 0 && !parent.has(0);
  const sets = isCutOff ? [] : take(missing);
  const pageOf = new Map(sets.map(({ pages: [page] }, i) => [missing[i]!, page]));
  const run = nodes.map((node) => pageOf.get(node));
  core.moved.loaded += sets.length * geometry.pageSize;
  unpackPages(gpu, geometry, pools, run, record.payload);
  return {
    loaded: sets.length,
    known: nodes.length - missing.length,
    left: missing.length - sets.length,
  };
}
