import type { Gpu, Tensor } from '@heed/core';
import { bindTensor, type BufferCopy, copyBuffers } from '@heed/core/kernel';
import { pageBytes, type PageGeometry, pageWords, poolNames } from '../pages/page-geometry.ts';
import { type Pool, wordsOfPage } from './page-pools.ts';

/** The pools of a group of layers. */
export interface GroupPools {
  readonly geometry: PageGeometry;
  /** By layer of the group. */
  readonly pools: readonly Pool[];
  /** Layers that share page ids. */
  readonly layersOfRun: number;
}

/** Pages with the same tokens: an id for each run of the group's layers. */
export type RunPages = readonly number[];

/** Consecutive pages of a prefix in one group. */
export interface PackedRun {
  readonly group: GroupPools;
  readonly pages: readonly RunPages[];
}

/**
 * Packed pages are runs one after another, and a run is [layer][k, then v where values are stored][page of the
 * run][row of the page][kv head][words of the
 * row], the pools' own words: each page of a layer is one copy, and so are neighbours in the pool. An f32 row is its numbers; an
 * f16 or bf16 row has two per word (low half first; the last half of an odd row may be anything); an int8 or int4 row is its scale
 * and packed integers.
 */
export function packPages(gpu: Gpu, runs: readonly PackedRun[]): Tensor {
  const sizes = runs.map(({ group, pages }) => pages.length * pageBytes(group.geometry));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const packed = gpu.empty([size / 4], { dtype: 'u32', label: 'heed/packed pages' });
  if (size === 0) return packed;
  const copies: BufferCopy[] = [];
  let start = 0;
  for (const [i, { group, pages }] of runs.entries()) {
    for (const { pool, packedOffset, poolOffset, size: bytes } of piecesOf(group, pages)) {
      const to = packed.buffer;
      const toOffset = start + packedOffset;
      copies.push({ from: pool, fromOffset: poolOffset, to, toOffset, size: bytes });
    }
    start += sizes[i]!;
  }
  copyBuffers(gpu, 'packPages', copies);
  return packed;
}

/**
 * Writes a packed run to pages of the pools.
 * @param run the page for each of the run's pages; undefined for one that is not wanted
 * @param bytes the run as {@link packPages} packs it, on this or another device
 */
export function unpackPages(
  gpu: Gpu,
  group: GroupPools,
  run: readonly (RunPages | undefined)[],
  bytes: Uint8Array,
): void {
  const { geometry } = group;
  if (run.every((page) => page === undefined)) return;
  const packed = gpu.fromBytes(bytes, {
    shape: [(run.length * pageBytes(geometry)) / 4],
    dtype: 'u32',
    label: 'heed/packed pages',
  });
  const from = packed.buffer;
  const copies = piecesOf(group, run).map(
    ({ pool, packedOffset, poolOffset, size }): BufferCopy => {
      return { from, fromOffset: packedOffset, to: pool, toOffset: poolOffset, size };
    },
  );
  copyBuffers(gpu, 'unpackPages', copies);
  packed.dispose();
}

/** Neighbouring pages of one pool, in bytes. */
interface Piece {
  readonly pool: GPUBuffer;
  readonly poolOffset: number;
  /** From the start of the run. */
  readonly packedOffset: number;
  readonly size: number;
}

function piecesOf(
  { geometry, pools, layersOfRun }: GroupPools,
  pages: readonly (RunPages | undefined)[],
): Piece[] {
  const words = pageWords(geometry);
  const pieces: Piece[] = [];
  let start = 0;
  for (const [layer, pool] of pools.entries()) {
    const run = pages.map((ids) => ids?.[Math.floor(layer / layersOfRun)]);
    const strides = wordsOfPage(geometry, pool);
    for (const x of poolNames(geometry)) {
      const size = 4 * words[x];
      const { buffer, offset } = bindTensor(pool[x]).range;
      for (const { first, page, length } of stretchesOf(run, strides[x] === words[x])) {
        pieces.push({
          pool: buffer,
          poolOffset: offset + page * 4 * strides[x],
          packedOffset: start + first * size,
          size: length * size,
        });
      }
      start += run.length * size;
    }
  }
  return pieces;
}

/** Pages of a run that follow one another without a gap in the pool, too: `length` of them, from index `first` and page `page` on. */
interface Stretch {
  readonly first: number;
  readonly page: number;
  length: number;
}

function stretchesOf(run: readonly (number | undefined)[], isDense: boolean): Stretch[] {
  const stretches: Stretch[] = [];
  let last: Stretch | undefined;
  run.forEach((page, first) => {
    if (page === undefined) {
      last = undefined;
    } else if (isDense && last && last.page + last.length === page) {
      last.length++;
    } else {
      last = { first, page, length: 1 };
      stretches.push(last);
    }
  });
  return stretches;
}
