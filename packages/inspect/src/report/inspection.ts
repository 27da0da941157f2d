import type { AmdFigures } from '../amd/amd-figures.ts';
import type { InspectedKernel } from '../amd/inspect-kernels.ts';

/** A stored run. */
export interface Inspection {
  readonly date: string;
  readonly family: string;
  readonly driver: string;
  readonly kernels: readonly InspectedKernel[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** A column: its heading, and the cell of a row. */
interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly isText?: boolean;
}

type Figure = Exclude<keyof AmdFigures, 'kinds'>;

const figure = (name: Figure, heading: string): Column<InspectedKernel> => ({
  heading,
  cell: ({ figures }) => numberText(figures[name]),
});

const columns: readonly Column<InspectedKernel>[] = [
  { heading: 'kernel', cell: ({ name }) => name, isText: true },
  figure('lanes', 'wave'),
  figure('vgprs', 'VGPR'),
  figure('spills', 'spills'),
  figure('scratchBytes', 'scratch B'),
  figure('ldsBytes', 'LDS B'),
  figure('wavesByRegisters', 'waves by VGPR'),
  figure('wavesByLds', 'by LDS'),
  figure('codeBytes', 'code B'),
  figure('codeByF32', '/ f32'),
  figure('waits', 'waits'),
  figure('vectorInstructions', 'vector instr'),
  figure('multiplyAddsPerVector', 'fma / vector'),
  figure('multiplyAddsPerLdsRead', 'fma / LDS read'),
  figure('ldsBytesPerFlop', 'LDS B / flop'),
  figure('matrixWork', 'matrix work'),
  {
    heading: 'MB in flight',
    cell: ({ figures: { bytesInFlight } }) =>
      bytesInFlight === undefined ? '' : numberText(bytesInFlight / 1e6),
  },
  { heading: '', cell: doubts, isText: true },
];

/** Returns what makes the figures of a tile doubtful. */
function doubts({ figures: { workFound, unknownLoops } }: InspectedKernel): string {
  const isOdd = workFound !== undefined && (workFound < 0.7 || workFound > 1.6);
  return [
    ...(isOdd ? [`${numberText(workFound)} of the work found`] : []),
    ...(unknownLoops ? [`${unknownLoops} loops of unknown length`] : []),
  ].join(', ');
}

/** Renders a run: a row per kernel, and a line per case that the device refused. */
export function renderInspection({ family, driver, kernels, refused }: Inspection): string {
  return [
    `${family}, ${driver}`,
    '',
    renderTable(columns, kernels),
    ...refused.map(({ name, reason }) => `\n${name}: refused: ${reason}`),
    '',
  ].join('\n');
}

/** Returns a Markdown table whose columns are aligned as text too. */
function renderTable<Row>(all: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => all.map(({ cell }) => cell(row)));
  const widths = all.map(({ heading }, c) =>
    Math.max(3, heading.length, ...cells.map((row) => row[c]!.length)),
  );
  const line = (row: readonly string[]): string => {
    const padded = row.map((text, c) =>
      all[c]!.isText ? text.padEnd(widths[c]!) : text.padStart(widths[c]!),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, c) =>
    all[c]!.isText ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(all.map(({ heading }) => heading)), line(rule), ...cells.map(line)].join('\n');
}

function numberText(x: number | undefined): string {
  if (x === undefined) return '';
  return Number.isInteger(x) ? String(x) : x.toFixed(2);
}
