import { unpackPages } from '../kernels/packed-pages.ts';
import type { PrefixNode } from '../pages/prefix-tree.ts';
import type { PageRecord } from '../stores/page-record.ts';
import type { CacheCore } from './cache-core.ts';

/** What became of the pages of a record, in numbers. */
export interface Placed {
  readonly loaded: number;
  readonly known: number;
  readonly left: number;
}

/**
 * Makes the pages of a record findable that are not, and copies their rows there.
 *
 * @param parent the node before the record
 * @param take allocates a page for a prefix; undefined where there is no room
 * @param seen called with the node of each page, known or not
 */
export function placeRecord(
  core: CacheCore,
  parent: PrefixNode,
  record: PageRecord,
  take: (node: PrefixNode) => number | undefined,
  seen: (node: PrefixNode) => void,
): Placed {
  const { gpu, geometry, pools, ledger, window } = core;
  const placed = { loaded: 0, known: 0, left: 0 };
  let above = parent;
  const run = Array.from({ length: record.pages }, (_, i) => {
    const node = ledger.tree.insert(above, record.tokens, i * geometry.pageSize);
    seen(node);
    // Without a window, a page is found only if all pages before it are cached.
    const isCutOff = window === undefined && above.depth >= 0 && above.pages.length === 0;
    above = node;
    const isKnown = node.pages.length > 0;
    const page = isKnown || isCutOff ? undefined : take(node);
    placed[isKnown ? 'known' : page === undefined ? 'left' : 'loaded']++;
    return page;
  });
  unpackPages(gpu, geometry, pools, run, record.payload);
  return placed;
}
