import type { PrefixNode } from '../pages/prefix-node.ts';

/** Pages of one prefix that are stored as one record, in order: a segment, one page, or a page without rows (a link). */
export interface PlannedRecord {
  /** Group of layers. */
  readonly group: number;
  readonly nodes: readonly PrefixNode[];
  /** How many of them no earlier record of the plan holds. */
  readonly fresh: number;
  readonly isLink: boolean;
}

/**
 * Deals pages out to records, records of few pages before them first. Segments are aligned from the root, so that all prompts that
 * share them cut them alike. What follows the last whole segment of a prefix is stored page by page, and so is what remains of a
 * segment that a window or an eviction has cut. Pages between two prefixes' ends may be in records of both kinds.
 *
 * @param named pages to store, of which those are stored that the group has
 * @param segment pages of a segment
 */
export function planRecords(
  named: Iterable<PrefixNode>,
  segment: number,
  group = 0,
): PlannedRecord[] {
  const wanted = new Set([...named].filter((node) => node.has(group)));
  const segments: PrefixNode[][] = [];
  const covered = new Set<PrefixNode>();
  const inner = new Set<PrefixNode>();
  for (const node of wanted) {
    if (node.parent) inner.add(node.parent);
    const nodes = (node.depth + 1) % segment === 0 ? segmentOf(node, segment, group) : undefined;
    if (!nodes) continue;
    segments.push(nodes);
    for (const part of nodes) covered.add(part);
  }
  const single = new Set([...wanted].filter((node) => !covered.has(node)));
  for (const node of wanted) {
    if (!inner.has(node)) for (const part of tailOf(node, segment, wanted)) single.add(part);
  }
  const seen = new Set<PrefixNode>();
  return [...segments, ...[...single].map((node) => [node])]
    .toSorted((a, b) => a[0]!.depth - b[0]!.depth)
    .map((nodes) => {
      const before = seen.size;
      for (const node of nodes) if (wanted.has(node)) seen.add(node);
      return { group, nodes, fresh: seen.size - before, isLink: false };
    });
}

/** Returns the pages of a segment, first to last; undefined if one of them has no physical page. */
function segmentOf(last: PrefixNode, segment: number, group: number): PrefixNode[] | undefined {
  const nodes: PrefixNode[] = [];
  let node: PrefixNode | undefined = last;
  for (; nodes.length < segment; node = node.parent) {
    if (!node || !node.has(group)) return undefined;
    nodes.push(node);
  }
  return nodes.toReversed();
}

/** Yields the wanted pages of a prefix behind its last whole segment, from the prefix's end on. */
function* tailOf(
  end: PrefixNode,
  segment: number,
  wanted: ReadonlySet<PrefixNode>,
): Generator<PrefixNode> {
  const count = (end.depth + 1) % segment;
  let node: PrefixNode | undefined = end;
  for (let i = 0; i < count && node && wanted.has(node); i++, node = node.parent) yield node;
}

/** Returns links for the ancestors of named pages that a window has released, first to last. */
export function planLinks(named: Iterable<PrefixNode>): PlannedRecord[] {
  const released = new Set<PrefixNode>();
  for (const { parent } of named) {
    let above = parent;
    while (above && above.depth >= 0 && above.sets.length === 0 && !released.has(above)) {
      released.add(above);
      above = above.parent;
    }
  }
  return [...released]
    .toSorted((a, b) => a.depth - b.depth)
    .map((node) => ({ group: 0, nodes: [node], fresh: 0, isLink: true }));
}
