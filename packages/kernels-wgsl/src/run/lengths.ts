import type { Tensor } from '@heed/core';
import { type BufferRange, isContiguous } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { NONE } from '../wgsl/params.ts';
import { packWords } from './pack-words.ts';
import type { Target } from './target.ts';
import type { DerivedWords, WordSource } from './word-source.ts';

/** Lengths and tables behind the `metadata` binding. */
export interface BoundLengths {
  readonly range: BufferRange;
  /** Offsets of the lists that were given, in words. */
  readonly values: {
    readonly cu_q: number;
    readonly cu_k: number;
    readonly used_k: number;
    readonly table: number;
    readonly derived: number;
  };
  release(): void;
}

const isDense = ({ shape, strides }: Tensor): boolean => isContiguous(shape, strides);

export function bindLengths(
  target: Target,
  { given }: Pick<Call, 'given'>,
  derived?: DerivedWords,
): BoundLengths {
  const lists = [
    ['cu_q', given.cuQ],
    ['cu_k', given.cuK],
    ['used_k', given.used],
    ['table', given.table],
    ['derived', derived],
  ] as const;
  const present = lists.filter(
    (entry): entry is [(typeof entry)[0], WordSource] & typeof entry => entry[1] !== undefined,
  );
  const sources = present.map(([, list]) => list);
  const { range, places, release } = packWords(target, 'lengths', sources, isDense);
  const at = Object.fromEntries(present.map(([name], i) => [name, places[i]!.offset]));
  const absent = { cu_q: NONE, cu_k: NONE, used_k: NONE, table: NONE, derived: NONE };
  return { range, values: { ...absent, ...at }, release };
}
