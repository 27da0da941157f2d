/**
 * Lays rows of cells out in columns: the first to the left, those after it to the right. The last cell of a
 * row, wherever it stands, runs on and widens no column.
 */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, c) =>
    Math.max(0, ...rows.filter((row) => c < row.length - 1).map((row) => row[c]?.length ?? 0)),
  );
  const place = (cell: string, c: number, row: readonly string[]): string => {
    if (c === row.length - 1) return cell;
    return c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0);
  };
  return rows.map((row) => row.map((cell, c) => place(cell, c, row)).join('  '));
}
