import type { VariantHooks } from '../hooks/contract.ts';
import type { TileConfig } from '../tiles/tile.ts';
import type { KeyType } from './key-type.ts';

/** Storage of q and out, and of k and v where they are not quantised. Arithmetic is f32 for both. */
export type FloatType = 'f32' | 'f16';

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

/** Everything that a forward kernel's WGSL depends on. Lengths, strides and option values are data of a run. */
export interface ForwardConfig {
  readonly qType: FloatType;
  readonly kvType: KeyType;
  readonly outType: FloatType;
  /** Dqk. */
  readonly headDim: number;
  /** Dv. */
  readonly headDimV: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  readonly rows: RowKind;
  readonly hooks: VariantHooks;
  readonly tile: TileConfig;
}

/** A canonical name: equal configs, and only those, have equal keys. */
export function forwardKey(c: ForwardConfig): string {
  return [
    `q=${c.qType} kv=${c.kvType} out=${c.outType}`,
    `d=${c.headDim} dv=${c.headDimV}`,
    `${c.lengths} ${c.keys}`,
    `read=${c.read} write=${c.write}`,
    `rows=${c.rows}`,
    `hooks=${c.hooks.key}`,
    Object.entries(c.tile)
      .map(([k, v]) => `${k}=${v}`)
      .join(' '),
  ].join(' | ');
}
