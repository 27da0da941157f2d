import { type NdArray, unravel } from '../reference/nd-array.ts';
import type { AttentionState } from '../reference/reference-problem.ts';
import { type Budget, difference, type Expected } from './error-budgets.ts';

/** One assertion of a case: the error measured, its budget, and a table of mismatches if it failed. */
export interface Check {
  readonly label: string;
  readonly ok: boolean;
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
}

/** Checks that the results of a run are within their error budgets. */
export function withinBudget(label: string, got: AttentionState, want: Expected): Check[] {
  return [
    near(`${label}: out`, got.out, want.out, want.budgets.out),
    near(`${label}: lse`, got.lse, want.lse, want.budgets.lse),
    ...(got.max ? [near(`${label}: max`, got.max, want.max!, want.budgets.max!)] : []),
  ];
}

/** Checks that one result is within its budget. The error of NaN, and of an infinity where the reference is finite, is infinite. */
export function near(
  label: string,
  got: NdArray,
  want: NdArray,
  { limit, naiveError, allowance }: Budget,
): Check {
  let error = 0;
  const length = Math.min(got.data.length, want.data.length);
  for (let i = 0; i < length; i++) error = Math.max(error, difference(at(got, i), at(want, i)));
  if (got.data.length !== want.data.length) error = Infinity;
  if (error <= limit) return { label, ok: true, error, budget: limit };
  const table = mismatchTable({
    label,
    shape: want.shape,
    got: got.data,
    want: want.data,
    isBad: (g, w) => difference(g, w) > limit,
  });
  const sum = `max error ${error.toPrecision(3)} > budget ${limit.toPrecision(3)} = 2·${naiveError.toPrecision(3)} (naive) + ${allowance.toPrecision(3)}`;
  return { label, ok: false, error, budget: limit, report: `${table}\n  ${sum}` };
}

/** Checks that both results of a run are equal bit for bit. */
export function sameRun(label: string, got: AttentionState, want: AttentionState): Check[] {
  return [
    sameBits(`${label}: out`, got.out, want.out),
    sameBits(`${label}: lse`, got.lse, want.lse),
  ];
}

/** Checks that two results have equal bits: −0 differs from 0, and NaN equals NaN. */
export function sameBits(label: string, got: NdArray, want: NdArray): Check {
  const report = mismatchTable({
    label,
    shape: want.shape,
    got: got.data,
    want: want.data,
    isBad: (g, w) => !Object.is(g, w),
  });
  return report === '' ? { label, ok: true } : { label, ok: false, report };
}

/** Checks that every element is finite. */
export function finite(label: string, got: NdArray): Check {
  const report = mismatchTable({
    label: `${label} not finite`,
    shape: got.shape,
    got: got.data,
    want: got.data,
    isBad: (g) => !Number.isFinite(g),
  });
  return report === '' ? { label, ok: true } : { label, ok: false, report };
}

/** Checks a condition; `report` is printed if it does not hold. */
export function holds(label: string, ok: boolean, report: string): Check {
  return ok ? { label, ok } : { label, ok, report: `${label}: ${report}` };
}

function at(array: NdArray, index: number): number {
  return array.data[index] as number;
}

/** One element of a comparison. */
interface Row {
  readonly index: number;
  readonly got: number;
  readonly want: number;
  readonly bad: boolean;
}

/** The contents of a table of mismatches. */
export interface Comparison {
  readonly label: string;
  readonly shape: readonly number[];
  readonly got: ArrayLike<number>;
  readonly want: ArrayLike<number>;
  /** Returns whether an element is a mismatch. */
  readonly isBad: (got: number, want: number) => boolean;
}

const shownMismatches = 8;

/**
 * Returns a table of the first mismatches, each with the element before and after it:
 *
 *     out [1, 2, 4, 8]: 3 of 64 elements off, first at [0, 1, 2, 3]
 *          index         got         want        difference
 *          [0, 1, 2, 2]  0.1234567   0.1234567   0
 *       ✗  [0, 1, 2, 3]  NaN         0.5         Infinity
 *
 * Returns an empty string if there is no mismatch.
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
