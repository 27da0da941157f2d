import type { PagedKvCache } from '@heed/kvcache';
import type { PageBook } from './page-book.ts';
import { readTables } from './read-tables.ts';

/**
 * Finds out which pages hold the prefixes that a load brought: the cache's events name prefixes, not pages, so each is opened
 * for a moment.
 */
export async function placeLoaded(
  cache: PagedKvCache,
  book: PageBook,
  pageSize: number,
): Promise<void> {
  const leaves = book.names.leaves();
  if (leaves.length === 0) return;
  // One token more: `open` finds all but the last.
  const sequences = leaves.map((tokens) => cache.open({ tokens: [...tokens, 0] }));
  try {
    const { blockTable } = cache.view(0, sequences);
    const tables = await readTables(blockTable, sequences, pageSize);
    book.update(
      tables.map((pages, i) => ({ owner: '', pages, tokens: leaves[i]! })),
      [],
    );
  } finally {
    for (const sequence of sequences) sequence.close();
  }
}
