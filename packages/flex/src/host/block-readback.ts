import { LimitError, type ReadOptions } from '@heed/core';
import type { BlockView } from './block-planes.ts';

/** The classes of the blocks, on the CPU. */
export interface BlockClasses {
  /** [B, H, rows, columns] */
  readonly shape: readonly [number, number, number, number];
  /** Row-major: 0 empty, 1 partial, 2 full. */
  readonly classes: Uint8Array;
  /** The number of columns of each row, [B, rows]: fewer where lengths differ, 0 between packed sequences. */
  readonly columns: Uint32Array;
  /** The number of blocks, and of blocks that are not empty. */
  readonly total: number;
  readonly visited: number;
}

// Each block takes a byte and one turn of a loop on the host.
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

// The most pictures: people do not look at more heads.
const MAX_PICTURES = 4;
const SIGNS = ['·', '▒', '█'] as const;

/** Draws one picture per batch entry and head, for the first few of them. */
export function picture({ shape, classes, columns }: BlockClasses, maxColumns = 64): string {
  const [batch, heads, rows, most] = shape;
  const count = batch * heads;
  const pictures = Array.from({ length: Math.min(count, MAX_PICTURES) }, (_, i) => {
    const b = Math.floor(i / heads);
    const classAt = (row: number, column: number): number | undefined =>
      row < rows && column < columns[b * rows + row]!
        ? classes[(i * rows + row) * most + column]
        : undefined;
    const title = count > 1 ? `batch ${b}, head ${i % heads}\n` : '';
    return title + grid(rows, most, Math.max(1, Math.ceil(most / maxColumns)), classAt);
  });
  const rest = count - pictures.length;
  return [...pictures, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n\n');
}

/** Draws one sign per square of `scale` by `scale` blocks: partial unless all are of one class. */
function grid(
  rows: number,
  columns: number,
  scale: number,
  classAt: (row: number, column: number) => number | undefined,
): string {
  const sign = (row: number, column: number): string => {
    const seen = new Set<number>();
    for (let r = row; r < row + scale; r++) {
      for (let c = column; c < column + scale; c++) {
        const kind = classAt(r, c);
        if (kind !== undefined) seen.add(kind);
      }
    }
    if (seen.size === 0) return ' ';
    return SIGNS[seen.size === 1 ? [...seen][0]! : 1]!;
  };
  const lines: string[] = [];
  for (let row = 0; row < rows; row += scale) {
    let line = '';
    for (let column = 0; column < columns; column += scale) line += sign(row, column);
    lines.push(line.trimEnd());
  }
  return lines.join('\n');
}
