import { wgsl } from '@heed/core/kernel';
import { loop, plus } from '../parts/repeat.ts';
import {
  loadMatrix,
  type StoredMatrix,
  storeMatrix,
  rowAt,
  sumOf,
  times,
} from './matrix-operations.wgsl.ts';
import {
  type MatrixTile,
  matrixThreads,
  ownerLanes,
  passBlocks,
  ROW_LANES,
  subgroupRows,
  TILE_N,
} from './matrix-geometry.ts';
import type { ThreadIndex, Workgroup } from './tile-loops.wgsl.ts';

/*
 * A thread cannot access the rows of a matrix, so results pass through the workgroup array `scores`, 32 columns at a time:
 * all rows of the tile, or in several passes an equal part of each subgroup's rows. In a pass, a thread owns 4 of these
 * columns in rows that follow one another.
 */

const passRows = (tile: MatrixTile): number => passBlocks(tile) * tile.M;
const threadPassRows = (tile: MatrixTile): number =>
  (passRows(tile) * ROW_LANES) / ownerLanes(tile);

/** A pass: its blocks of a subgroup's rows, and which of the thread's rows they contain. */
interface Pass {
  readonly blocks: readonly number[];
  readonly rows: readonly number[];
}

const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/** Returns the passes of a tile. */
export function passesOf(tile: MatrixTile): readonly Pass[] {
  const [blocks, rows] = [passBlocks(tile), threadPassRows(tile)];
  return range(0, tile.rowBlocks / blocks).map((pass) => ({
    blocks: range(pass * blocks, blocks),
    rows: range(pass * rows, rows),
  }));
}

/** Returns the workgroup of a tile, with its subgroup size if the kernel fixes it. */
export function matrixWorkgroup(tile: MatrixTile): Workgroup {
  const threads = matrixThreads(tile);
  return tile.isPinned ? { threads, subgroupSize: tile.subgroupSize } : threads;
}

/** The inputs from which a thread derives its place. */
export const matrixIndices: readonly [lane: ThreadIndex, subgroup: ThreadIndex] = [
  { name: 'lane', builtin: 'subgroup_invocation_id' },
  { name: 'subgroup', builtin: 'subgroup_id' },
];

/**
 * Returns the declarations of a thread's place in the tile, and of `part`, the subgroup's part of the columns, if several share
 * their rows.
 */
export function threadPlace(tile: MatrixTile): string {
  const { subgroupSize, sharing } = tile;
  const rows = threadPassRows(tile);
  const rowOfLanes = `lane / ${ROW_LANES}u`;
  const inPart = sharing > 1 ? `(part * ${subgroupSize / ROW_LANES}u + ${rowOfLanes})` : rowOfLanes;
  const inPass = `${inPart}${rows > 1 ? ` * ${rows}u` : ''}`;
  return wgsl`
    let thread = subgroup * ${subgroupSize}u + lane;
    let column = lane % ${ROW_LANES}u;
    ${sharing > 1 && `let part = subgroup % ${sharing}u;`}
    let own_rows = ${owner(tile)} * ${subgroupRows(tile)}u;
    let first_row = own_rows + ${inPass};
    ${hasPasses(tile) && `let pass_row = ${owner(tile)} * ${passRows(tile)}u + ${inPass};`}
  `;
}

const owner = ({ sharing }: MatrixTile): string =>
  sharing > 1 ? `subgroup / ${sharing}u` : 'subgroup';

/** Returns the offset of the subgroup's part, of which each has `size`; nothing if it has all. */
export function partOffset({ sharing }: MatrixTile, size: number): string[] {
  return sharing > 1 ? [`part * ${size}u`] : [];
}

const hasPasses = (tile: MatrixTile): boolean => passesOf(tile).length > 1;

/** Returns the index of the thread's row r within the tile. */
export function tileRow(tile: MatrixTile, r: number): string {
  const rows = threadPassRows(tile);
  return plus('first_row', Math.floor(r / rows) * passRows(tile) + (r % rows));
}

/** The arrays through which results pass. */
export type PassArray = 'scores' | 'slopes';

/** Returns the thread's vector of row r in such an array, during the pass of that row. */
export function passVector(tile: MatrixTile, r: number, array: PassArray = 'scores'): string {
  const row = plus(hasPasses(tile) ? 'pass_row' : 'first_row', r % threadPassRows(tile));
  return `${array}[${rowAt(row, 'SCORED')} + column]`;
}

/** Returns the place in such an array of the matrix at `column`, counted in matrices, of a block of rows. */
export function passPlace(
  tile: MatrixTile,
  block: number,
  column: string,
  array: PassArray = 'scores',
): StoredMatrix {
  const first = hasPasses(tile) ? `${owner(tile)} * ${passRows(tile)}u` : 'own_rows';
  const row = plus(first, (block % passBlocks(tile)) * tile.M);
  return {
    array,
    at: sumOf(
      rowAt(row, 'SCORED'),
      ...partOffset(tile, TILE_N / 4 / tile.sharing),
      times(column, tile.N / 4),
    ),
    stride: 'SCORED',
  };
}

/** The matrices that span a head dim. */
interface DimMatrices {
  readonly count: number;
  /** Matrices that span 32 columns. */
  readonly across: number;
  /** An expression of parameters for that count; see `loop`. */
  readonly bound: string;
}

/**
 * Repeats a text for every 32 columns of a head dim. It gets the chunk, and a function that repeats a text for the matrices of the
 * chunk: by their index within the chunk, and within the head dim.
 */
export function eachChunk(
  { unroll }: MatrixTile,
  { count, across, bound }: DimMatrices,
  text: (
    chunk: string,
    columns: (each: (inner: string, matrix: string) => string) => string,
  ) => string,
): string {
  const chunks = {
    count: Math.ceil(count / across),
    bound: `(${bound} + ${across - 1}u) / ${across}u`,
  };
  return loop({ unroll, index: 'chunk', ...chunks }, (chunk) => {
    const first = times(chunk, across);
    const left = count - (Number.parseInt(first, 10) || 0);
    const inside = { count: Math.min(across, left), bound: `min(${across}u, ${bound} - ${first})` };
    return text(chunk, (each) =>
      loop({ unroll, index: 'inner', ...inside }, (inner) => each(inner, sumOf(first, inner))),
    );
  });
}

/** A result that a subgroup sums up: one array of matrices, `count` for each block of its rows. */
export interface SummedResult extends Pick<DimMatrices, 'count' | 'bound'> {
  readonly name: string;
}

/** Returns the first of a thread's columns of a chunk, which is 32 columns: an equal part of each subgroup's, one after another. */
function threadColumn({ N, sharing }: MatrixTile, count: number, chunk: string): string {
  if (sharing === 1) return sumOf(times(chunk, TILE_N), 'column * 4u');
  const lanes = ROW_LANES / sharing;
  const part = `column / ${lanes}u * ${count * N}u`;
  return sumOf(times(chunk, TILE_N / sharing), part, `column % ${lanes}u * 4u`);
}

/**
 * Returns statements for the threads whose columns of a chunk are their part's own. The last chunk of a part may be shorter than the
 * others; what lies beyond it is the next part's, which holds the product.
 */
function insidePart(
  { N, sharing }: MatrixTile,
  count: number,
  chunk: string,
  statements: readonly string[],
): string {
  const width = TILE_N / sharing;
  const isLast = !(Number.parseInt(chunk, 10) < Math.floor((count * N) / width));
  if (sharing === 1 || (count * N) % width === 0 || !isLast) return statements.join('\n');
  const inPart = sumOf(times(chunk, width), `column % ${ROW_LANES / sharing}u * 4u`);
  return wgsl`
    if (${inPart} < ${count * N}u) {
      ${statements}
    }
  `;
}

/**
 * Passes a result to the threads, 32 columns at a time. `statement` gets the row and the first of the thread's columns.
 * @param isChanged whether the statements change the vector, which then returns to the result
 */
export function passResult(
  tile: MatrixTile,
  { name, count, bound }: SummedResult,
  statement: (r: number, d: string) => string,
  isChanged = false,
): string {
  const matrixAt = (block: number, matrix: string): string =>
    `${name}[${sumOf(`${block * count}u`, matrix)}]`;
  const across = TILE_N / tile.N / tile.sharing;
  return eachChunk(tile, { count, bound, across }, (chunk, columns) =>
    passesOf(tile)
      .map(
        ({ blocks, rows }) => wgsl`
          ${columns((inner, matrix) =>
            blocks
              .map((b) => storeMatrix(matrixAt(b, matrix), passPlace(tile, b, inner)))
              .join('\n'),
          )}
          workgroupBarrier();
          ${insidePart(
            tile,
            count,
            chunk,
            rows.map((r) => statement(r, threadColumn(tile, count, chunk))),
          )}
          workgroupBarrier();
          ${
            isChanged &&
            columns((inner, matrix) =>
              blocks
                .map((b) => {
                  const loaded = loadMatrix(tile, 'result', passPlace(tile, b, inner));
                  return `${matrixAt(b, matrix)} = ${loaded};`;
                })
                .join('\n'),
            )
          }
          ${isChanged && 'workgroupBarrier();'}
        `,
      )
      .join('\n'),
  );
}
