import assert from 'node:assert/strict';
import type { EvictionCandidate } from '../../../src/pages/eviction.ts';
import { type NaiveCache, pagesOf } from './naive-cache.ts';

/** Gives out a page, and checks that it is one that may go. */
export function take(cache: NaiveCache, page: number): void {
  const blank = cache.blank();
  if (blank.length > 0) assert.ok(blank.includes(page));
  else assert.equal(page, evictionOrder(cache)[0]);
  Object.assign(cache.memory[page]!, { prefix: undefined, rows: cache.emptyRows() });
}

/** All pages that may be given up, in the order in which they are to go. */
function evictionOrder(cache: NaiveCache): number[] {
  const { memory, options } = cache;
  const cached = cache.cached();
  const parents = new Set(cached.map((page) => parentOf(memory[page]!.prefix!)));
  const { compare } = options.eviction;
  return cached
    .filter((page) => {
      const prefix = memory[page]!.prefix!;
      return !parents.has(prefix) || cache.holders(prefix).length > 1 || isPassed(cache, prefix);
    })
    .map((page) => candidate(cache, page))
    .toSorted((a, b) => compare(a, b) || b.depth - a.depth || a.page - b.page)
    .map(({ page }) => page);
}

function candidate({ memory, priorities }: NaiveCache, page: number): EvictionCandidate {
  const { prefix, lastUsed } = memory[page]!;
  const priority = priorities.get(prefix!)!;
  return { page, priority, lastUsed, depth: pagesOf(prefix!).length - 1 };
}

/** Whether there is a page that goes on from this prefix and is the first not to see its last page. */
function isPassed(cache: NaiveCache, prefix: string): boolean {
  const { pageSize } = cache.options;
  const index = pagesOf(prefix).length - 1;
  return cache.memory.some(({ prefix: other }) => {
    if (other === undefined || !`${other}|`.startsWith(`${prefix}|`)) return false;
    const pages = pagesOf(other).length;
    return (
      cache.isUnseen(index, pages * pageSize) && !cache.isUnseen(index, (pages - 1) * pageSize)
    );
  });
}

const parentOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('|'));
