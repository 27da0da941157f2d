import type { GradientTile } from '../tiles/tile.ts';
import type { FloatType, ForwardConfig, WriteAccess } from './forward.ts';

/** Which gradients a kernel computes: dq over query tiles, dk and dv over key tiles, or those of tables over query tiles. */
export type GradientOf = 'q' | 'kv' | 'tables';

/** Everything that a backward kernel's WGSL depends on. */
export interface BackwardConfig extends Pick<
  ForwardConfig,
  'qType' | 'kvType' | 'headDim' | 'headDimV' | 'lengths' | 'keys' | 'read' | 'hooks'
> {
  readonly of: GradientOf;
  /** Of the gradients: their inputs' type, or f32 where they are summed up afterwards. */
  readonly resultType: FloatType;
  readonly write: WriteAccess;
  readonly tile: GradientTile;
}

/** A canonical name: equal configs, and only those, have equal keys. */
export function backwardKey(c: BackwardConfig): string {
  return [
    `d${c.of} q=${c.qType} kv=${c.kvType} result=${c.resultType}`,
    `d=${c.headDim} dv=${c.headDimV}`,
    `${c.lengths} ${c.keys}`,
    `read=${c.read} write=${c.write}`,
    `hooks=${c.hooks.key}`,
    Object.entries(c.tile)
      .map(([k, v]) => `${k}=${v}`)
      .join(' '),
  ].join(' | ');
}
