import type { BlockClasses } from './read.ts';

// More heads than a person looks at.
const MAX_PICTURES = 4;
const SIGNS = ['·', '▒', '█'] as const;

/** One picture per batch entry and head, the first few of them. */
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

/** A sign per square of `scale` by `scale` blocks: partial unless they are all of one class. */
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
        const found = classAt(r, c);
        if (found !== undefined) seen.add(found);
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
