const BANKS = 32;
const WORD_BYTES = 4;

/** Where the lanes of a warp access shared memory with one instruction, in bytes; undefined for lanes that do not. */
export type LaneOffsets = readonly (number | undefined)[];

/**
 * Returns the clocks for which one access of a warp occupies a multiprocessor's shared memory. The lanes go in groups whose words are at
 * most 128 bytes, and a group takes as many clocks as there are different words in one bank. Groups of 128-bit accesses are 16 lanes
 * in place of 8 if all lanes n and n ^ 1, or all lanes n and n ^ 2, have one address: so NVIDIA's answer on
 * forums.developer.nvidia.com/t/unexpected-shared-memory-bank-conflict/77228 for compute capability 7, assumed for later ones.
 */
export const accessClocks = (offsets: LaneOffsets, bytes: number): number =>
  groupsOf(offsets, bytes).reduce((clocks, words) => clocks + conflictFold(words), 0);

/** Returns the clocks that the access would take if no two different words met in a bank. */
export const freeClocks = (offsets: LaneOffsets, bytes: number): number =>
  groupsOf(offsets, bytes).reduce((clocks, words) => clocks + Math.ceil(words.size / BANKS), 0);

/** Returns the different words of each group of lanes. */
function groupsOf(offsets: LaneOffsets, bytes: number): Set<number>[] {
  const words = Math.max(1, bytes / WORD_BYTES);
  const isPaired =
    words === 4 &&
    [1, 2].some((bit) => offsets.every((offset, lane) => offset === offsets[lane ^ bit]));
  const lanes = Math.max(1, Math.floor(BANKS / words)) * (isPaired ? 2 : 1);
  const groups = Array.from({ length: Math.ceil(offsets.length / lanes) }, (_, group) =>
    offsets.slice(group * lanes, (group + 1) * lanes),
  );
  return groups.map((group) => wordsOf(group, words));
}

function wordsOf(offsets: LaneOffsets, words: number): Set<number> {
  const all = new Set<number>();
  for (const offset of offsets) {
    if (offset === undefined) continue;
    const first = Math.floor(offset / WORD_BYTES);
    for (let word = first; word < first + words; word++) all.add(word);
  }
  return all;
}

/** Returns the most words of one bank. */
function conflictFold(words: ReadonlySet<number>): number {
  const perBank = Array.from({ length: BANKS }, () => 0);
  for (const word of words) perBank[word % BANKS]! += 1;
  return Math.max(...perBank);
}

/** A matrix in shared memory: its lines are rows, or columns if it is column-major. */
export interface MatrixPlace {
  readonly offset: number;
  /** Bytes from one line to the next. */
  readonly stride: number;
  readonly lines: number;
  readonly length: number;
}

const BLOCK = 8;
const HALF_BYTES = 2;

/** Returns the clocks of a load of a left or right operand in f16: `ldmatrix` reads 8 lines of 16 bytes at a time. */
export function operandClocks({ offset, stride, lines, length }: MatrixPlace): number {
  let clocks = 0;
  for (let line = 0; line < lines; line += BLOCK)
    for (let at = 0; at < length; at += BLOCK) {
      const rows = Array.from(
        { length: BLOCK },
        (_, i) => offset + (line + i) * stride + at * HALF_BYTES,
      );
      clocks += conflictFold(wordsOf(rows, (BLOCK * HALF_BYTES) / WORD_BYTES));
    }
  return clocks;
}

/** Returns the clocks of a load or store of a result in f32: lane l has elements 2 (l % 4) and the next of line l / 4 of each 8 x 8. */
export function resultClocks(
  { offset, stride, lines, length }: MatrixPlace,
  isColumnMajor: boolean,
): number {
  let clocks = 0;
  for (let line = 0; line < lines; line += BLOCK)
    for (let at = 0; at < length; at += BLOCK) {
      const place = (along: number, across: number): number =>
        offset + (line + across) * stride + (at + along) * WORD_BYTES;
      const lane = (of: (row: number, column: number) => number): number[] =>
        Array.from({ length: 32 }, (_, l) => of(Math.floor(l / 4), (l % 4) * 2));
      clocks += isColumnMajor
        ? accessClocks(
            lane((row, column) => place(row, column)),
            WORD_BYTES,
          ) +
          accessClocks(
            lane((row, column) => place(row, column + 1)),
            WORD_BYTES,
          )
        : accessClocks(
            lane((row, column) => place(column, row)),
            2 * WORD_BYTES,
          );
    }
  return clocks;
}
