import type { PageFormat } from '@heed/core';

/** Storage of q and out, and of k and v where they are not quantised. Arithmetic is f32 for both. */
export type FloatType = 'f32' | 'f16';

/** Storage of k and v: floats, or pages of packed integers. */
export type KeyType = PageFormat;

/** Where a sequence's rows are: one per batch entry, or given by cumulative lengths. */
export type LengthKind = 'dense' | 'varlen';

/** How key j of a sequence is found: by strides, or through a block table. */
export type KeyKind = 'strided' | 'paged';

/**
 * How rows of floats are read. `vec4` needs head dims, offsets and strides that are multiples of 4 and a last stride of 1;
 * `scalar` takes anything. Both yield the same bits. Rows of integers are read word by word.
 */
export type ReadAccess = 'vec4' | 'scalar';

/** How `out` is written. `pair` writes one word of two halves at a time: f16 without `shader-f16`. */
export type WriteAccess = 'vec4' | 'pair' | 'scalar';

/** Which rows share a query tile: positions of one query head, or positions × all query heads of one kv head. */
export type RowKind = 'head' | 'group';

/** Which gradients a kernel computes: dq over query tiles, dk and dv over key tiles, or those of tables over query tiles. */
export type GradientOf = 'q' | 'kv' | 'tables';

/** Query rows and keys of one tile. */
export interface TileShape {
  readonly tileM: number;
  readonly tileN: number;
}
