import type { LengthKind } from '../text/parts/kinds.ts';

/** Indices of a tensor's axes; packed tensors have no batch axis. */
export interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

/** The sizes that determine the shapes of results. */
interface ResultSizes {
  readonly batch: number;
  readonly qHeads: number;
  readonly seqlenQ: number;
  readonly headDimV: number;
}

/** Shapes and tile counts that depend on whether rows are dense or packed. */
interface RowShapes {
  /** The axes of q, out, and of k and v where they are not in pages. */
  readonly axes: Axes;
  readonly outShape: (sizes: ResultSizes) => number[];
  readonly lseShape: (sizes: ResultSizes) => number[];
  /** Length of a result's batch axis; 1 if it has none. */
  readonly outer: (batch: number) => number;
  /** Query positions per sequence, on average. */
  readonly positions: (seqlenQ: number, batch: number) => number;
  /** Tiles of a launch; `rows` counts one sequence's rows if dense, all rows if packed. */
  readonly tiles: (rows: number, batch: number, tileM: number) => number;
}

export const rowShapes: Readonly<Record<LengthKind, RowShapes>> = {
  dense: {
    axes: { batch: 0, head: 1, row: 2, dim: 3 }, // [B, H, L, D]
    outShape: ({ batch, qHeads, seqlenQ, headDimV }) => [batch, qHeads, seqlenQ, headDimV],
    lseShape: ({ batch, qHeads, seqlenQ }) => [batch, qHeads, seqlenQ],
    outer: (batch) => batch,
    positions: (seqlenQ) => seqlenQ,
    tiles: evenTiles,
  },
  varlen: {
    axes: { batch: undefined, head: 1, row: 0, dim: 2 }, // [T, H, D]
    outShape: ({ qHeads, seqlenQ, headDimV }) => [seqlenQ, qHeads, headDimV],
    lseShape: ({ qHeads, seqlenQ }) => [qHeads, seqlenQ],
    outer: () => 1,
    positions: (seqlenQ, batch) => seqlenQ / Math.max(batch, 1),
    tiles: packedTiles,
  },
};

function evenTiles(rows: number, batch: number, tileM: number): number {
  return batch * Math.ceil(rows / tileM);
}

/**
 * Returns an upper limit of the tiles of packed sequences. Each sequence may need one tile more than its share, and so may the
 * rows that no sequence owns. The kernel's `first_tile` numbers the tiles.
 */
export function packedTiles(rows: number, sequences: number, tileM: number): number {
  return Math.floor(rows / tileM) + sequences + 1;
}
