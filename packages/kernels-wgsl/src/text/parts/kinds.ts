import type { PageFormat } from '@heed/core';
import type { FloatType } from '@heed/core/kernel';

export type { FloatType };

/** Storage type of k and v: floats, or pages of packed integers. */
export type KeyType = PageFormat;

/** How the rows of a sequence are found: one batch entry each, or by cumulative lengths. */
export type LengthKind = 'dense' | 'varlen';

/** How key j of a sequence is found: by strides, or through a block table. Lists of selected keys name keys j of either kind. */
export type KeyKind = 'strided' | 'paged';

/**
 * How rows of floats are read. `vec4` needs head dims, offsets and strides that are multiples of 4, and a last stride of 1;
 * `vec8` needs multiples of 8 for 16-bit floats, and loads 16 bytes of it at a time; `scalar` accepts any. All yield the same bits. Rows of
 * integers are read word by word.
 */
export type ReadAccess = 'vec8' | 'vec4' | 'scalar';

/** How `out` is written. `pair` writes one word of two halves at a time: bf16, and f16 without `shader-f16`. */
export type WriteAccess = 'vec4' | 'pair' | 'scalar';

/** Rows that share a query tile: positions of one query head, or positions × all query heads of one kv head. */
export type RowKind = 'head' | 'group';

/** Gradients that a kernel computes: dq over query tiles, dk and dv over key tiles, or the tables' gradients over query tiles. */
export type GradientOf = 'q' | 'kv' | 'tables';

/** Query rows and keys of one tile. */
export interface TileShape {
  readonly tileM: number;
  readonly tileN: number;
}
