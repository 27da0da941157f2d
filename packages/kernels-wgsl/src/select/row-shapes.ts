import type { LengthKind } from '../text/parts/kinds.ts';

/** Which axis of a tensor means what; packed tensors have no batch axis. */
export interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

/** The sizes that the shapes of results follow from. */
interface ResultSizes {
  readonly batch: number;
  readonly qHeads: number;
  readonly seqlenQ: number;
  readonly headDimV: number;
}

/** What depends on how the sequences of a call share the rows of a tensor. */
interface RowShapes {
  /** The axes of q, out, and of k and v where they are not in pages. */
  readonly axes: Axes;
  readonly outShape: (sizes: ResultSizes) => number[];
  readonly lseShape: (sizes: ResultSizes) => number[];
  /** Entries of the outermost axis of a result: batch entries, or 1. */
  readonly outer: (batch: number) => number;
  /** Query positions per sequence, on average. */
  readonly positions: (seqlenQ: number, batch: number) => number;
  /** The most tiles that sequences fill; `rows` are those of each sequence, or of all together. */
  readonly sequenceTiles: (rows: number, batch: number, tileM: number) => number;
  /** Tiles of a launch: these, and those of rows that no sequence owns. */
  readonly tiles: (rows: number, batch: number, tileM: number) => number;
}

export const rowShapes: Readonly<Record<LengthKind, RowShapes>> = {
  dense: {
    axes: { batch: 0, head: 1, row: 2, dim: 3 }, // [B, H, L, D]
    outShape: ({ batch, qHeads, seqlenQ, headDimV }) => [batch, qHeads, seqlenQ, headDimV],
    lseShape: ({ batch, qHeads, seqlenQ }) => [batch, qHeads, seqlenQ],
    outer: (batch) => batch,
    positions: (seqlenQ) => seqlenQ,
    sequenceTiles: evenTiles,
    tiles: evenTiles,
  },
  varlen: {
    axes: { batch: undefined, head: 1, row: 0, dim: 2 }, // [T, H, D]
    outShape: ({ qHeads, seqlenQ, headDimV }) => [seqlenQ, qHeads, headDimV],
    lseShape: ({ qHeads, seqlenQ }) => [qHeads, seqlenQ],
    outer: () => 1,
    positions: (seqlenQ, batch) => seqlenQ / Math.max(batch, 1),
    sequenceTiles: (rows, batch, tileM) => Math.floor(rows / tileM) + batch,
    tiles: packedTiles,
  },
};

function evenTiles(rows: number, batch: number, tileM: number): number {
  return batch * Math.ceil(rows / tileM);
}

/**
 * The tiles of `sequences` packed sequences. Each sequence may need one tile more than its share, and so may the rows of no
 * sequence. The kernel's `first_tile` numbers them.
 */
export function packedTiles(rows: number, sequences: number, tileM: number): number {
  return Math.floor(rows / tileM) + sequences + 1;
}
