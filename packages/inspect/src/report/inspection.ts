import type { Figures } from '../amd/amd-figures.ts';

/** A stored run. */
export interface Inspection {
  readonly date: string;
  readonly family: string;
  readonly driver: string;
  readonly kernels: readonly InspectedKernel[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

interface InspectedKernel {
  readonly name: string;
  readonly label: string;
  readonly figures: Figures;
}

/** A column: its heading, and the cell of a row. */
interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly isText?: boolean;
}

const figure = (name: string, heading: string): Column<InspectedKernel> => ({
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
  figure('wavesByRegisters', 'waves by regs'),
  figure('wavesByLds', 'by LDS'),
  figure('codeBytes', 'code B'),
  figure('instructions', 'instr'),
];

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
