declare module 'vitest' {
  // The parameters repeat vitest's own declaration: interfaces merge only if they agree.
  // oxlint-disable-next-line no-unused-vars
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** Compares element by element and prints a table of the mismatches. NaN matches NaN. */
    toMatchTensor: (want: ArrayLike<number>, match?: TensorMatch) => R;
  }
}

/** The vitest matcher `expect(got).toMatchTensor(want, { tolerance, shape })`. */
export function toMatchTensor(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  match?: TensorMatch,
): { pass: boolean; message: () => string } {
  const mismatch = describeMismatch(got, want, match);
  return { pass: mismatch === undefined, message: () => mismatch ?? 'the tensors match' };
}

/** The rule of equality, and the form of indices in the message. */
export interface TensorMatch {
  /** Largest allowed |got − want|: one number, or one per element. Default 0. */
  tolerance?: number | ArrayLike<number>;
  /** Shape used to print an index as coordinates; default flat. */
  shape?: readonly number[];
  /** Requires equal signs of zero too. NaN always equals NaN. */
  exact?: boolean;
}

const ROWS = 12;

/**
 * Returns a table of index, got, want and error around the mismatches of two lists, or undefined if they match. NaN matches NaN, an
 * infinity matches only itself.
 */
export function describeMismatch(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  match: TensorMatch = {},
): string | undefined {
  if (got.length !== want.length) return `got ${got.length} elements, want ${want.length}`;
  const bad: number[] = [];
  for (let i = 0; i < got.length; i++) if (!matches(got[i]!, want[i]!, i, match)) bad.push(i);
  if (bad.length === 0) return undefined;
  const worst = bad.reduce((a, b) => (error(got, want, b) > error(got, want, a) ? b : a), bad[0]!);
  return [
    `${bad.length} of ${got.length} elements differ; largest error ${number(error(got, want, worst))} at ${index(worst, match.shape)}`,
    ...table(got, want, bad, match),
  ].join('\n');
}

function matches(got: number, want: number, i: number, match: TensorMatch): boolean {
  if (match.exact === true || !Number.isFinite(got) || !Number.isFinite(want)) {
    return Object.is(got, want);
  }
  const { tolerance = 0 } = match;
  return Math.abs(got - want) <= (typeof tolerance === 'number' ? tolerance : tolerance[i]!);
}

function error(got: ArrayLike<number>, want: ArrayLike<number>, i: number): number {
  const difference = Math.abs(got[i]! - want[i]!);
  return Number.isNaN(difference) ? Infinity : difference;
}

/** Lists the first mismatches, marked in the first column, each with its two neighbours. */
function table(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bad: readonly number[],
  match: TensorMatch,
): string[] {
  const shown = [...new Set(bad.slice(0, ROWS).flatMap((i) => [i - 1, i, i + 1]))]
    .filter((i) => i >= 0 && i < got.length)
    .toSorted((a, b) => a - b);
  const isBad = new Set(bad);
  const cells = shown.map((i) => [
    isBad.has(i) ? '✗' : ' ',
    index(i, match.shape),
    number(got[i]!),
    number(want[i]!),
    number(error(got, want, i)),
  ]);
  const rows = [['', 'index', 'got', 'want', 'error'], ...cells];
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join('  ')
      .trimEnd(),
  );
  return bad.length > ROWS ? [...lines, `… and ${bad.length - ROWS} more`] : lines;
}

function index(flat: number, shape: readonly number[] | undefined): string {
  if (shape === undefined) return String(flat);
  const coordinates: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    coordinates.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${coordinates.join(', ')}]`;
}

function number(value: number): string {
  if (Object.is(value, -0)) return '-0';
  return Number.isInteger(value) ? String(value) : value.toPrecision(9);
}
