import { unravel } from '../reference/nd-array.ts';
import { difference } from './budget.ts';

/** One element of a comparison. */
export interface Row {
  readonly index: number;
  readonly got: number;
  readonly want: number;
  readonly bad: boolean;
}

/** What a table is about. */
export interface Comparison {
  readonly label: string;
  readonly shape: readonly number[];
  readonly got: ArrayLike<number>;
  readonly want: ArrayLike<number>;
  /** Whether an element is off. */
  readonly isBad: (got: number, want: number) => boolean;
}

const shownMismatches = 8;

/**
 * A table of the first mismatches, each with one element either side:
 *
 *     out [1, 2, 4, 8]: 3 of 64 elements off, first at [0, 1, 2, 3]
 *          index         got         want        difference
 *          [0, 1, 2, 2]  0.1234567   0.1234567   0
 *       ✗  [0, 1, 2, 3]  NaN         0.5         Infinity
 *
 * Returns an empty string when nothing is off.
 */
export function mismatchTable(comparison: Comparison): string {
  const { label, shape, got, want, isBad } = comparison;
  if (got.length !== want.length) return `${label}: ${got.length} elements, want ${want.length}`;
  const bad: number[] = [];
  let count = 0;
  for (let i = 0; i < want.length; i++) {
    if (!isBad(got[i] as number, want[i] as number)) continue;
    count++;
    if (bad.length < shownMismatches) bad.push(i);
  }
  const [first] = bad;
  if (first === undefined) return '';
  const title = `${label} [${shape.join(', ')}]: ${count} of ${want.length} elements off, first at ${place(first, shape)}`;
  const shown = [...new Set(bad.flatMap((i) => [i - 1, i, i + 1]))].filter(
    (i) => i >= 0 && i < want.length,
  );
  const rows = shown.map((index) => row(index, got, want, isBad));
  return [title, ...layOut(rows, shape)].join('\n');
}

function row(
  index: number,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  isBad: Comparison['isBad'],
): Row {
  const [g, w] = [got[index] as number, want[index] as number];
  return { index, got: g, want: w, bad: isBad(g, w) };
}

function layOut(rows: readonly Row[], shape: readonly number[]): string[] {
  const cells = rows.map((r) => [
    r.bad ? '✗' : ' ',
    place(r.index, shape),
    number(r.got),
    number(r.want),
    number(difference(r.got, r.want)),
  ]);
  const table = [[' ', 'index', 'got', 'want', 'difference'], ...cells];
  const widths =
    table[0]?.map((_, c) => Math.max(...table.map((line) => line[c]?.length ?? 0))) ?? [];
  return table.map((line) =>
    `  ${line.map((cell, c) => cell.padEnd(widths[c] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function place(index: number, shape: readonly number[]): string {
  return `[${unravel(index, shape).join(', ')}]`;
}

function number(x: number): string {
  if (Object.is(x, -0)) return '-0';
  return Number.isInteger(x) ? String(x) : x.toPrecision(9);
}
