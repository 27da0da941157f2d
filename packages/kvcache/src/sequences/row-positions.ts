/** Positions of a sequence's rows, for rotary embeddings: those that a `keep` has left are listed, later ones are consecutive. */
export interface RowPositions {
  /** Positions of the first rows. */
  readonly kept: Int32Array;
  /** Position minus row of all later ones, the next one included. */
  readonly shift: number;
}

/** Every row is at its own number. */
export const plainPositions: RowPositions = { kept: new Int32Array(0), shift: 0 };

export const positionAt = ({ kept, shift }: RowPositions, row: number): number =>
  row < kept.length ? kept[row]! : row + shift;

/** Returns positions in which the rows from `row` on have been forgotten: the next row gets the position that this one had. */
export const cutPositions = (positions: RowPositions, row: number): RowPositions =>
  row >= positions.kept.length
    ? positions
    : { kept: positions.kept.slice(0, row), shift: positions.kept[row]! - row };

/** Returns positions in which only these rows of `length` are left, where they were, and the next row keeps its own. */
export const thinnedPositions = (
  positions: RowPositions,
  rows: Int32Array,
  length: number,
): RowPositions => ({
  kept: rows.map((row) => positionAt(positions, row)),
  shift: positionAt(positions, length) - rows.length,
});
