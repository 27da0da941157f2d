import type { Tensor } from '@heed/core';
import type { KvSequence } from '@heed/kvcache';

/** The physical pages of some sequences, from the block table of a view over them. */
export async function readTables(
  blockTable: Tensor,
  sequences: readonly KvSequence[],
  pageSize: number,
): Promise<number[][]> {
  // Before anything is truncated: entries behind a sequence's end mean nothing.
  const counts = sequences.map(({ length }) => Math.ceil(length / pageSize));
  const width = blockTable.shape[1]!;
  const entries = await blockTable.read();
  return counts.map((count, i) =>
    Array.from(entries.subarray(i * width, i * width + count), Number),
  );
}
