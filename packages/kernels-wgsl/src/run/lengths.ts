import type { BufferRange } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { WordSource } from '../kernels/gather/gather.ts';
import { NONE } from '../wgsl/params.ts';
import { packWords } from './pack-words.ts';
import type { Target } from './target.ts';

/** Lengths and tables behind the `metadata` binding. */
export interface BoundLengths {
  readonly range: BufferRange;
  /** Offsets of the lists that were given, in words. */
  readonly values: {
    readonly cu_q: number;
    readonly cu_k: number;
    readonly used_k: number;
    readonly table: number;
  };
  release(): void;
}

export function bindLengths(target: Target, { given }: Call): BoundLengths {
  const lists = [
    ['cu_q', given.cuQ],
    ['cu_k', given.cuK],
    ['used_k', given.used],
    ['table', given.table],
  ] as const;
  const present = lists.filter(
    (entry): entry is [(typeof entry)[0], WordSource] => entry[1] !== undefined,
  );
  // The same list twice (cuSeqlensK defaults to cuSeqlensQ) is packed once.
  const distinct = [...new Set(present.map(([, list]) => list))];
  const { range, offsets, release } = packWords(target, 'lengths', distinct);
  const at = Object.fromEntries(
    present.map(([name, list]) => [name, offsets[distinct.indexOf(list)]!]),
  );
  return { range, values: { cu_q: NONE, cu_k: NONE, used_k: NONE, table: NONE, ...at }, release };
}
