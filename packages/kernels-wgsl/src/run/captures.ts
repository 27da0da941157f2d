import type { BufferRange } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { packWords } from './pack-words.ts';
import { NONE } from '../wgsl/params.ts';
import type { Target } from './target.ts';

/** Float tables behind the `captures` binding: ALiBi slopes and sinks. */
export interface BoundCaptures {
  readonly range: BufferRange;
  readonly slopes: {
    readonly slopes: number;
    readonly slopes_batch: number;
    readonly slopes_head: number;
  };
  readonly sinks: { readonly sinks: number; readonly sinks_head: number };
  release(): void;
}

export function bindCaptures(target: Target, { options, qHeads }: Call): BoundCaptures {
  const { alibiSlopes, sinks } = options;
  const tables = [alibiSlopes, sinks].filter((table) => table !== undefined);
  const { range, offsets, release } = packWords(target, 'captures', tables);
  const at = (table: (typeof tables)[number]): number => offsets[tables.indexOf(table)]!;
  return {
    range,
    // Packed tables are dense, whatever the strides they came with.
    slopes: {
      slopes: alibiSlopes ? at(alibiSlopes) : 0,
      slopes_batch: alibiSlopes?.shape.length === 2 ? qHeads : 0,
      slopes_head: 1,
    },
    sinks: { sinks: sinks ? at(sinks) : NONE, sinks_head: 1 },
    release,
  };
}
