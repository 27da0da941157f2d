import { LimitError } from '@heed/core';
import type { ReadOptions } from '@heed/core';
import type { BlockView } from './view.ts';

/** The blocks on the CPU. */
export interface BlockClasses {
  /** [B, H, rows, columns] */
  readonly shape: readonly [number, number, number, number];
  /** Row-major: 0 empty, 1 partial, 2 full. */
  readonly classes: Uint8Array;
  /** How many columns there are in each row, [B, rows]: fewer where lengths differ, 0 between packed sequences. */
  readonly columns: Uint32Array;
  /** Blocks in all, and those that are not empty. */
  readonly total: number;
  readonly visited: number;
}

// A byte each, and a turn of a loop on the host.
const MAX_BLOCKS = 2 ** 28;

export async function readBlocks(view: BlockView, o: ReadOptions): Promise<BlockClasses> {
  const { batch, heads, rows, columns: most, strides, some, full, extent, extentBatch } = view;
  const blocks = batch * heads * rows * most;
  if (blocks > MAX_BLOCKS) {
    throw new LimitError(
      `BlockMask: at most ${MAX_BLOCKS} blocks are read back; there are ${blocks}, in ${batch} × ${heads} heads of ${rows} × ${most}. Read a slice(), or use a larger blockSize.`,
    );
  }
  const words = (await view.words.read(o)) as Uint32Array;
  const classes = new Uint8Array(blocks);
  const columns = new Uint32Array(batch * rows);
  let [total, visited] = [0, 0];
  const bit = (word: number, column: number): number => (words[word]! >>> (column % 32)) & 1;
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < rows; row++) {
      const count = most === 0 ? 0 : words[extent + b * extentBatch + row]!;
      columns[b * rows + row] = count;
      for (let h = 0; h < heads; h++) {
        const start = b * strides.batch + h * strides.head + row * strides.row;
        for (let column = 0; column < count; column++) {
          const word = start + Math.floor(column / 32);
          const kind = bit(some + word, column) + bit(full + word, column);
          classes[((b * heads + h) * rows + row) * most + column] = kind;
          visited += Math.min(kind, 1);
        }
        total += count;
      }
    }
  }
  return { shape: [batch, heads, rows, most], classes, columns, total, visited };
}
