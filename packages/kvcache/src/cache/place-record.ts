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
  /** Takes pages of a group for prefixes without one: for the first ones, as far as there is room. */
  readonly take: (nodes: readonly PrefixNode[], group: number) => readonly PageSet[];
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
  const { gpu, ledger, layout, fullGroups } = core;
  const { group } = record;
  let above = parent;
  const nodes = Array.from({ length: record.pages }, (_, i) => {
    above = ledger.tree.insert(above, record.tokens, i * layout.pageSize);
    seen(above);
    return above;
  });
  const missing = nodes.filter((node) => !node.has(group) && wants(node));
  // Without a window, a page is found only if all pages before it are cached; with one, if the other groups have it.
  const needs = fullGroups.includes(group) ? [group] : fullGroups;
  const before = needs.includes(group) ? parent : missing.at(-1);
  const isCutOff = before && before.depth >= 0 && needs.some((other) => !before.has(other));
  const sets = isCutOff ? [] : take(missing, group);
  const pageOf = new Map(sets.map(({ pages }, i) => [missing[i]!, pages]));
  const run = nodes.map((node) => pageOf.get(node));
  if (group === ledger.told) core.moved.loaded += sets.length * layout.pageSize;
  unpackPages(gpu, core.poolsOf(group), run, record.payload);
  return {
    loaded: sets.length,
    known: nodes.length - missing.length,
    left: missing.length - sets.length,
  };
}
