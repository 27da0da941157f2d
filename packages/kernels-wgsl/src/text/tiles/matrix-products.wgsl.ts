import { wgsl } from '@heed/core/kernel';
import { each, loop, plus } from '../parts/repeat.ts';
import { dimMatrices, type MatrixTile, threadRows, TILE_N } from './matrix-geometry.ts';
import {
  loadMatrix,
  matrixType,
  multiplyAdd,
  multiplyBy,
  rowAt,
  storeMatrix,
  sumOf,
  times,
} from './matrix-operations.wgsl.ts';
import {
  eachChunk,
  type PassArray,
  partOffset,
  passesOf,
  passPlace,
  passVector,
  type SummedResult,
  tileRow,
} from './matrix-passes.wgsl.ts';

/** A head dim, and the parameter that holds its number of vectors. */
export interface MatrixDim {
  readonly size: number;
  readonly bound: 'params.q_vecs' | 'params.v_vecs';
}

const innerBound = ({ K }: MatrixTile, { bound }: MatrixDim): string =>
  `(${bound} * 4u + ${K - 1}u) / ${K}u`;

/** Returns the result whose columns are a head dim, or a subgroup's part of them. */
export function summedResult(
  tile: MatrixTile,
  name: string,
  { size, bound }: MatrixDim,
): SummedResult {
  const width = tile.N * tile.sharing;
  return {
    name,
    count: dimMatrices(size, tile).columns / tile.sharing,
    bound: `((${bound} * 4u + ${width - 1}u) / ${width}u)`,
  };
}

/** Declares a result of zeros. */
export function declareResult(tile: MatrixTile, { name, count }: SummedResult): string {
  return `var ${name} = array<${matrixType(tile, 'result')}, ${tile.rowBlocks * count}>();`;
}

/** The rows of a tensor that a subgroup owns, as left operands. */
export interface OwnRows {
  /** The array of matrices that holds them. */
  readonly name: string;
  /** The workgroup array that holds them if they are not kept in matrices. */
  readonly array: string;
  readonly dim: MatrixDim;
  /** Returns the four elements from `d` on of the thread's row r, in f32. */
  readonly read: (r: number, d: string) => string;
}

/**
 * Loads the rows that the workgroup owns. Those of a subgroup stay in matrices, one array for each block. They pass through the
 * memory of the weights, 32 columns at a time. Without `keepsRows`, all stay in workgroup memory.
 * @param passing the workgroup array through which they pass
 */
export function loadOwnRows(tile: MatrixTile, rows: OwnRows, passing: string): string {
  const { K, M, rowBlocks, components, keepsRows } = tile;
  const { size, bound } = { size: rows.dim.size, bound: innerBound(tile, rows.dim) };
  const count = dimMatrices(size, tile).inner;
  const [array, stride] = keepsRows ? [passing, 'SCORED'] : [rows.array, 'STAGED'];
  const type = `vec4<${components}>`;
  const last = Math.ceil(size / 4) * 4 - 4;
  const isWhole = size % TILE_N === 0;
  const read = (r: number, d: string): string => {
    const x = rows.read(r, isWhole ? d : `min(${d}, ${last}u)`);
    const converted = components === 'f16' ? `${type}(${x})` : x;
    return isWhole ? converted : `select(${type}(), ${converted}, ${d} < ${size}u)`;
  };
  const ofThread = each(threadRows(tile));
  return wgsl`
    ${keepsRows && `var ${rows.name} = array<${matrixType(tile, 'left')}, ${rowBlocks * count}>();`}
    ${eachChunk(tile, { count, across: TILE_N / K, bound }, (chunk, columns) => {
      const d = sumOf(times(chunk, TILE_N), 'column * 4u');
      const column = keepsRows ? 'column' : sumOf(times(chunk, TILE_N / 4), 'column');
      const stored = ofThread(
        (r) => `${array}[${rowAt(tileRow(tile, r), stride)} + ${column}] = ${read(r, d)};`,
      );
      if (!keepsRows) {
        // What is beyond a row's matrices would overwrite the next row.
        const isInside = (count * K) % TILE_N === 0;
        return isInside
          ? stored.join('\n')
          : wgsl`
          if (${d} < ${count * K}u) {
            ${stored}
          }
        `;
      }
      return wgsl`
        workgroupBarrier();
        ${stored}
        workgroupBarrier();
        ${columns((inner, matrix) =>
          each(rowBlocks)((b) => {
            const at = sumOf(rowAt(plus('own_rows', b * M), stride), times(inner, K / 4));
            const place = { array, at, stride };
            return `${rows.name}[${sumOf(`${b * count}u`, matrix)}] = ${loadMatrix(tile, 'left', place)};`;
          }).join('\n'),
        )}
      `;
    })}
  `;
}

/** The scores of a tile before they reach the threads: products of the own rows with staged rows. */
export interface ScoreProducts {
  /** The array of matrices that it declares. */
  readonly sums: string;
  readonly own: OwnRows;
  /** The staged rows: the name of a matrix of them, and their workgroup array. */
  readonly other: { readonly name: string; readonly array: string };
}

/** Repeats a text for the matrices of a subgroup's part of a tile's columns. */
function eachColumn(
  { N, sharing, unroll }: MatrixTile,
  text: (column: string) => string | readonly string[],
): string {
  const bound = `params.chunk_vecs * ${4 / sharing}u / ${N}u`;
  return loop({ unroll, index: 'outer', count: TILE_N / sharing / N, bound }, (column) =>
    [text(column)].flat().join('\n'),
  );
}

const sumAt = ({ N, sharing }: MatrixTile, sums: string, b: number, column: string): string =>
  `${sums}[${sumOf(`${(b * TILE_N) / sharing / N}u`, column)}]`;

/** Computes own rows · staged rowsᵀ. */
export function scoreProducts(tile: MatrixTile, { sums, own, other }: ScoreProducts): string {
  const { N, K, M, unroll, rowBlocks, sharing, keepsRows } = tile;
  const count = dimMatrices(own.dim.size, tile).inner;
  const blocks = each(rowBlocks);
  const ownOf = (b: number, inner: string): string => {
    if (keepsRows) return `${own.name}[${sumOf(`${b * count}u`, inner)}]`;
    const at = sumOf(rowAt(plus('own_rows', b * M), 'STAGED'), times(inner, K / 4));
    return loadMatrix(tile, 'left', { array: own.array, at, stride: 'STAGED' });
  };
  return wgsl`
    var ${sums} = array<${matrixType(tile, 'result')}, ${(rowBlocks * TILE_N) / sharing / N}>();
    ${loop({ unroll, index: 'inner', count, bound: innerBound(tile, own.dim) }, (inner) => {
      return wgsl`
        ${blocks((b) => `let ${own.name}${b} = ${ownOf(b, inner)};`)}
        ${eachColumn(tile, (column) => {
          const row = sumOf(...partOffset(tile, TILE_N / sharing), times(column, N));
          const at = sumOf(rowAt(row, 'STAGED'), times(inner, K / 4));
          const place = { array: other.array, at, stride: 'STAGED', isTransposed: true };
          return [
            `let ${other.name} = ${loadMatrix(tile, 'right', place)};`,
            ...blocks((b) =>
              multiplyAdd(`${own.name}${b}`, other.name, sumAt(tile, sums, b, column)),
            ),
          ];
        })}
      `;
    })}
  `;
}

/** Products on their way to the threads. */
interface PassedProducts {
  readonly sums: string;
  readonly array: PassArray;
  /** The thread's variables, a vector of 4 columns for each of its rows: `<thread><r>`. */
  readonly thread: string;
  /** A factor, with its operator. */
  readonly scale?: string;
}

/** Gives products to the threads. */
export function passProducts(tile: MatrixTile, ...passed: readonly PassedProducts[]): string {
  return passesOf(tile)
    .map(
      (pass, i) => wgsl`
        ${i > 0 && 'workgroupBarrier();'}
        ${passed.map(({ sums, array }) =>
          eachColumn(tile, (column) =>
            pass.blocks.map((b) =>
              storeMatrix(sumAt(tile, sums, b, column), passPlace(tile, b, column, array)),
            ),
          ),
        )}
        workgroupBarrier();
        ${passed.map(({ array, thread, scale = '' }) =>
          pass.rows.map((r) => `var ${thread}${r} = ${passVector(tile, r, array)}${scale};`),
        )}
      `,
    )
    .join('\n');
}

/** Weights that return from the threads as left operands, and the staged rows that they multiply. */
interface WeightedRows {
  /** The weights: the name of a matrix of them, and their workgroup array. */
  readonly weights: { readonly name: string; readonly array: string };
  readonly other: { readonly name: string; readonly array: string };
}

/** Adds weights · staged rows to a result. */
export function addProducts(
  tile: MatrixTile,
  { name, count, bound }: SummedResult,
  { weights, other }: WeightedRows,
): string {
  const { N, K, M, unroll, rowBlocks } = tile;
  const blocks = each(rowBlocks);
  return loop(
    { unroll, index: 'inner', count: TILE_N / K, bound: `params.chunk_vecs * 4u / ${K}u` },
    (inner) => wgsl`
      ${blocks((b) => {
        const at = sumOf(rowAt(plus('own_rows', b * M), 'SCORED'), times(inner, K / 4));
        const place = { array: weights.array, at, stride: 'SCORED' };
        return `let ${weights.name}${b} = ${loadMatrix(tile, 'left', place)};`;
      })}
      ${loop({ unroll, index: 'outer', count, bound }, (column) => {
        const at = sumOf(
          rowAt(times(inner, K), 'STAGED'),
          ...partOffset(tile, (count * N) / 4),
          times(column, N / 4),
        );
        return wgsl`
          let ${other.name} = ${loadMatrix(tile, 'right', { array: other.array, at, stride: 'STAGED' })};
          ${blocks((b) => multiplyAdd(`${weights.name}${b}`, other.name, `${name}[${sumOf(`${b * count}u`, column)}]`))}
        `;
      })}
    `,
  );
}

/** Multiplies a result by a number. */
export function multiplyResult(
  { unroll, rowBlocks }: MatrixTile,
  { name, count, bound }: SummedResult,
  factor: string,
): string {
  return loop({ unroll, index: 'outer', count, bound }, (column) =>
    each(rowBlocks)((b) => multiplyBy(`${name}[${sumOf(`${b * count}u`, column)}]`, factor)).join(
      '\n',
    ),
  );
}
