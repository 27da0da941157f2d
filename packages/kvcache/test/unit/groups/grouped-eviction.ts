import type { EvictionCandidate } from '../../../src/pages/eviction.ts';
import { lacking, type ModelCopy, type GroupedCache, pagesOf } from './grouped-cache.ts';

/** Evicts candidates, first to last, until each run can take this many pages. */
export function makeRoom(cache: GroupedCache, wanted: readonly number[]): void {
  while (lacking(cache, wanted, cache.roomBeside(cache.copies)) > 0) {
    for (const copy of firstCandidate(cache)) cache.delete(copy);
  }
}

/** Returns the copies that are evicted first: one that no hit needs, else those of a leaf. */
function firstCandidate(cache: GroupedCache): readonly ModelCopy[] {
  const { options } = cache;
  const cached = cache.cached();
  const stored = cache.stored();
  const parents = new Set([...stored].map(parentOf));
  const ends = [...stored].filter((prefix) => !parents.has(prefix));
  const needless = cached.filter(({ prefix, group }) => {
    if (cache.holders(prefix!, group).length > 1) return true;
    return (
      options.groups[group]!.window !== undefined &&
      pagesOf(prefix!).length * options.pageSize > sinkEnd(cache, group) &&
      !ends.some((end) => sees(cache, group, end, prefix!))
    );
  });
  if (needless.length > 0) {
    return first(
      cache,
      needless.map((copy) => ({ copies: [copy], group: copy.group })),
    );
  }
  const continued = new Set(cached.map(({ prefix }) => parentOf(prefix!)));
  const leaves = new Map<string, ModelCopy[]>();
  for (const copy of cached) {
    if (continued.has(copy.prefix!)) continue;
    leaves.set(copy.prefix!, [...(leaves.get(copy.prefix!) ?? []), copy]);
  }
  return first(
    cache,
    [...leaves.values()].map((copies) => ({ copies, group: 'all' as const })),
  );
}

/** The end of the pages that every query of a group sees. */
function sinkEnd({ options }: GroupedCache, group: number): number {
  const { sinkTokens = 0 } = options.groups[group]!;
  return Math.ceil(sinkTokens / options.pageSize) * options.pageSize;
}

interface Candidate {
  readonly copies: readonly ModelCopy[];
  readonly group: number | 'all';
}

function first(cache: GroupedCache, all: readonly Candidate[]): readonly ModelCopy[] {
  const { compare, bytesPerSalt } = cache.options.eviction;
  const facts = all.map((candidate) => ({ ...candidate, ...factsOf(cache, candidate) }));
  const over = bytesPerSalt === undefined ? [] : saltsOver(cache, bytesPerSalt);
  const salt = over.find((one) => facts.some((candidate) => candidate.salt === one));
  const some = salt === undefined ? facts : facts.filter((candidate) => candidate.salt === salt);
  return some.toSorted((a, b) => {
    const [x, y] = [a.copies[0]!, b.copies[0]!];
    const order = compare(a, b) || b.depth - a.depth;
    return order || x.ids[0]! - y.ids[0]! || x.group - y.group;
  })[0]!.copies;
}

/** Returns the salts whose named pages take more bytes than this, the largest first. */
function saltsOver({ copies, options }: GroupedCache, bytesPerSalt: number): string[] {
  const bytes = new Map<string, number>();
  for (const { prefix, group } of copies) {
    if (prefix === undefined) continue;
    const salt = prefix.split('|')[0]!;
    bytes.set(salt, (bytes.get(salt) ?? 0) + options.groups[group]!.bytes);
  }
  return [...bytes]
    .filter(([, held]) => held > bytesPerSalt)
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([salt]) => salt);
}

function factsOf(cache: GroupedCache, { copies, group }: Candidate): EvictionCandidate {
  const prefix = copies[0]!.prefix!;
  return {
    group,
    bytes: copies.reduce((sum, copy) => sum + cache.options.groups[copy.group]!.bytes, 0),
    salt: prefix.split('|')[0]!,
    priority: cache.priorities.get(prefix)!,
    lastUsed: Math.max(...copies.map(({ lastUsed }) => lastUsed)),
    depth: pagesOf(prefix).length - 1,
  };
}

/** Returns whether a query of a group after `end` sees the last page of `prefix`. */
function sees(cache: GroupedCache, group: number, end: string, prefix: string): boolean {
  if (!`${end}|`.startsWith(`${prefix}|`)) return false;
  const length = pagesOf(end).length * cache.options.pageSize;
  return !cache.isUnseen(group, pagesOf(prefix).length - 1, length);
}

const parentOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('|'));
