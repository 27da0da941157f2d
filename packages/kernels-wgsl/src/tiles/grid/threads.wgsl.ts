import { wgsl } from '@heed/core/kernel';
import { each } from '../../wgsl/each.ts';
import { loop } from '../../wgsl/loop.ts';
import { bracketed } from '../../wgsl/plus.ts';
import type { EachScore, TileScore } from '../scores.wgsl.ts';
import { CHUNK, type ThreadGrid } from './config.ts';

const lanes = each(4);

/** A head dim, and the parameter that holds its number of vectors or chunks. */
export interface Dim {
  readonly size: number;
  readonly bound: string;
}

/** A thread's own row within the tile. */
export const localRow = (r: number): string => bracketed('first_row', r);

/** A loop over the chunks of a head dim. */
export function chunkLoop(
  { unroll }: ThreadGrid,
  dim: Dim,
  body: (chunk: string) => string,
): string {
  const count = Math.ceil(dim.size / CHUNK);
  return loop({ unroll, index: 'chunk', count, bound: dim.bound }, body);
}

/** The thread's columns of each own row, chunk by chunk: `store` gets the element `d` and the sum. */
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
  (
    { rowsPerThread }: ThreadGrid,
    where: (r: number, n: number) => Pick<TileScore, 'row' | 'key'>,
  ): EachScore =>
  (statement) =>
    each(rowsPerThread)((r) =>
      lanes((n) => statement({ score: `s${r}[${n}]`, slope: `slope${r}[${n}]`, ...where(r, n) })),
    ).join('\n');
