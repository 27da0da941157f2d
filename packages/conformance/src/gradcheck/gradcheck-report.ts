import { unravel } from '../reference/nd-array.ts';

/** The result of `gradcheck`. */
export interface GradcheckReport {
  /** Whether every error is within the tolerance. */
  readonly ok: boolean;
  readonly tolerance: number;
  /** The element with the largest error of each input, the worst input first. */
  readonly worst: readonly {
    /** The input: 'q', 'k', 'v', 'sinks', or the name of a capture. */
    readonly name: string;
    readonly index: readonly number[];
    /** The element of the gradient as the kernels computed it. */
    readonly analytic: number;
    /** The same element by central differences. */
    readonly numeric: number;
    /** |analytic − numeric| over the largest |numeric| of that input, or over 1 if that is larger. NaN counts as ∞. */
    readonly error: number;
  }[];
  /** Returns `worst` as a table. */
  toText(): string;
}

type GradcheckElement = GradcheckReport['worst'][number];

/** Elements of one input that were compared. */
export interface Compared {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: readonly {
    readonly at: number;
    readonly analytic: number;
    readonly numeric: number;
  }[];
}

export function gradcheckReport(inputs: readonly Compared[], tolerance: number): GradcheckReport {
  const worst = inputs.flatMap(worstOf).toSorted((a, b) => b.error - a.error);
  const ok = worst.every(({ error }) => error <= tolerance);
  return { ok, tolerance, worst, toText: () => text(ok, tolerance, worst) };
}

function worstOf({ name, shape, elements }: Compared): GradcheckElement[] {
  const scale = elements.reduce((most, { numeric }) => Math.max(most, Math.abs(numeric)), 1);
  const errors = elements.map(({ at, analytic, numeric }) => {
    const error = Math.abs(analytic - numeric) / scale;
    const index = unravel(at, shape);
    return { name, index, analytic, numeric, error: Number.isNaN(error) ? Infinity : error };
  });
  return errors.toSorted((a, b) => b.error - a.error).slice(0, 1);
}

function text(ok: boolean, tolerance: number, worst: readonly GradcheckElement[]): string {
  const title = `gradcheck: ${ok ? 'ok' : 'wrong'}, relative tolerance ${tolerance}; the worst of each input:`;
  const rows = worst.map(({ name, index, analytic, numeric, error }) => [
    error <= tolerance ? ' ' : '✗',
    `${name}[${index.join(', ')}]`,
    analytic.toPrecision(9),
    numeric.toPrecision(9),
    error.toExponential(2),
  ]);
  const table = [['', 'element', 'analytic', 'numeric', 'error'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
  return [title, ...lines.map((line) => line.trimEnd())].join('\n');
}
