import { wgsl, type WgslPart } from '@heed/core/kernel';
import { hasScoreDerivatives, type VariantHooks } from '../parts/hook.ts';
import type { TileShape } from '../parts/kinds.ts';
import { bracketed, each, loop } from '../parts/repeat.ts';
import type { EachScore, TileScore } from '../parts/score-chain.wgsl.ts';

/**
 * The workgroup as a grid of threadsM × 8 threads. Each thread owns rowsPerThread query rows × 4 keys of the score tile, and
 * the same rows × 4 columns of each value chunk.
 */
export interface ThreadGrid {
  readonly threadsM: number;
  readonly rowsPerThread: 1 | 2 | 4;
  /** Whether the compiler may know the bounds of inner loops. */
  readonly unroll: boolean;
}

export const THREADS_N = 8;

/** Columns of the grid in elements, one vec4 per thread: keys of a tile, and elements of a value chunk. */
export const CHUNK: number = THREADS_N * 4;

export function gridShape(grid: ThreadGrid): TileShape {
  return { tileM: grid.threadsM * grid.rowsPerThread, tileN: CHUNK };
}

export function gridThreads(grid: ThreadGrid): number {
  return grid.threadsM * THREADS_N;
}

const lanes = each(4);

/** A head dim, and the parameter that holds its number of vectors or chunks. */
export interface Dim {
  readonly size: number;
  readonly bound: string;
}

/** Returns the index of one of the thread's rows within the tile. */
export const localRow = (r: number): string => bracketed('first_row', r);

/** Returns a loop over the chunks of a head dim. */
export function chunkLoop(
  { unroll }: ThreadGrid,
  dim: Dim,
  body: (chunk: string) => string,
): string {
  const count = Math.ceil(dim.size / CHUNK);
  return loop({ unroll, index: 'chunk', count, bound: dim.bound }, body);
}

/** Stores the thread's columns of each of its rows, chunk by chunk: `store` gets the element index `d` and the sum. */
export function storeChunks(
  grid: ThreadGrid,
  sum: string,
  dim: Dim,
  store: (sum: string) => string,
): string {
  return chunkLoop(
    grid,
    dim,
    (c) => wgsl`
      let d = ${c} * ${CHUNK}u + column * 4u;
      if (d < ${dim.size}u) {
        ${store(`${sum}[${c}]`)}
      }
    `,
  );
}

/** Repeats a statement for the thread's scores: a vector of four for each of its rows. */
export const eachScore =
  (rows: number, where: (r: number, n: number) => Pick<TileScore, 'row' | 'key'>): EachScore =>
  (statement) =>
    each(rows)((r) =>
      lanes((n) =>
        statement({
          score: `s${r}[${n}]`,
          scoreDerivative: `score_derivative${r}[${n}]`,
          ...where(r, n),
        }),
      ),
    ).join('\n');

/** Declares the derivatives of such scores, if hooks change scores. */
export const scoreDerivatives = (hooks: VariantHooks, rows: number): WgslPart =>
  hasScoreDerivatives(hooks) && each(rows)((r) => `var score_derivative${r} = vec4<f32>(1.0);`);

/** Returns the derivative of the score of row r and column n, or 1. */
export const scoreDerivativeOf = (hooks: VariantHooks, r: number, n: number): string =>
  hasScoreDerivatives(hooks) ? `score_derivative${r}[${n}]` : '1.0';
