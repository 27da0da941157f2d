import type { FigureName, InspectedKernel } from '../limits/inspected-kernel.ts';

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

/** The figures that are shown, with their headings. */
const headings: Readonly<Partial<Record<FigureName, string>>> = {
  lanes: 'wave',
  vgprs: 'VGPR',
  registers: 'registers',
  spills: 'spills',
  scratchBytes: 'scratch B',
  ldsBytes: 'LDS B',
  sharedBytes: 'shared B',
  wavesByRegisters: 'waves by VGPR',
  wavesByLds: 'by LDS',
  blocks: 'blocks',
  codeBytes: 'code B',
  codeByF32: '/ f32',
  waits: 'waits',
  vectorInstructions: 'vector instr',
  multiplyAddsPerVector: 'fma / vector',
  multiplyAddsPerLdsRead: 'fma / LDS read',
  ldsBytesPerFlop: 'LDS B / flop',
  localAccesses: 'local accesses',
  slots: 'slots',
  ffmaShare: 'FFMA share',
  issueClocks: 'issue / FMA clk',
  sharedClocks: 'shared / FMA clk',
  conflictClocks: 'conflicts',
  sharedBytesPerFlop: 'shared B / flop',
  matrixWork: 'matrix work',
  bytesInFlight: 'B in flight',
};

/** Names of the figures that are shown. */
export const figureNames: readonly FigureName[] = Object.keys(headings) as FigureName[];

/** Returns the heading of a figure that is shown. */
export const headingOf = (name: FigureName): string => headings[name] ?? name;

const columns: readonly Column<InspectedKernel>[] = [
  { heading: 'kernel', cell: ({ name }) => name, isText: true },
  ...figureNames.map((name) => ({
    heading: headingOf(name),
    cell: ({ figures }: InspectedKernel) => numberText(figures[name]),
  })),
  { heading: '', cell: doubts, isText: true },
];

// The kernels of other programs have no label.
function isNew({ label }: InspectedKernel, i: number, all: readonly InspectedKernel[]): boolean {
  return label === '' || all.findIndex((one) => one.label === label) === i;
}

/** Returns what makes the figures of a tile doubtful. */
function doubts({ figures: { workFound, unknownLoops } }: InspectedKernel): string {
  const isOdd = workFound !== undefined && (workFound < 0.7 || workFound > 1.6);
  return [
    ...(isOdd ? [`${numberText(workFound)} of the work found`] : []),
    ...(unknownLoops ? [`${unknownLoops} loops of unknown length`] : []),
  ].join(', ');
}

/** Renders a run: a row per kernel, that of its first case, and a line per case that the device refused. */
export function renderInspection({ family, driver, kernels, refused }: Inspection): string {
  return [
    `${family}, ${driver}`,
    '',
    renderTable(
      columns.filter(({ cell }) => kernels.some((kernel) => cell(kernel) !== '')),
      kernels.filter(isNew),
    ),
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

/** Returns a figure as the table has it; '' if there is none. */
export function numberText(x: number | undefined): string {
  if (x === undefined) return '';
  return Number.isInteger(x) || x >= 1000 ? String(Math.round(x)) : x.toFixed(2);
}
