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
  /** Gives back what was gathered for this run, once it is dispatched. */
  release(): void;
}

const isDense = ({ shape, strides }: Tensor): boolean => isContiguous(shape, strides);

/** Brings lengths and page tables into the one binding `metadata`. */
export function bindLengths(
  target: Target,
  { given }: Pick<Call, 'given'>,
  derived?: DerivedWords,
): BoundLengths {
  const { cuQ, cuK, used, table } = given;
  const sources = [cuQ, cuK, used, table, derived].filter((list) => list !== undefined);
  const { range, places, release } = packWords(target, 'lengths', sources, isDense);
  const offset = (list: WordSource | undefined): number =>
    list ? places[sources.indexOf(list)]!.offset : NONE;
  const values = {
    cu_q: offset(cuQ),
    cu_k: offset(cuK),
    used_k: offset(used),
    table: offset(table),
    derived: offset(derived),
  };
  return { range, values, release };
}
