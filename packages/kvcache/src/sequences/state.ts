import { fail } from '@heed/core/kernel';
import type { PrefixNode } from '../prefix/node.ts';
import { BlockTable } from './block-table.ts';

/** What the host knows of one sequence. Tokens with memory: `reserved`; with rows in layer l: `counts[l]`; with names: `committed`. */
export interface SequenceState {
  readonly id: number;
  readonly table: BlockTable;
  readonly counts: Uint32Array;
  /** Tokens that the last append to each layer brought. */
  readonly appended: Uint32Array;
  /** Tokens that every layer has room for. */
  reserved: number;
  committed: number;
  /** Committed tokens of the last, partly committed page. */
  pending: number[];
  /** The last full page that was committed; a root before the first. */
  node: PrefixNode;
  /** Pages before this one that a window may release were released. */
  firstKept: number;
  priority: number;
  cachedTokens: number;
  /** Changes with the table: what was made for an earlier one is out of date. */
  epoch: number;
  isOpen: boolean;
}

export interface SequenceStart {
  readonly layers: number;
  readonly node: PrefixNode;
  readonly length: number;
  readonly priority: number;
}

export function sequenceState(id: number, start: SequenceStart): SequenceState {
  const { node, length, priority } = start;
  node.holders++;
  return {
    id,
    table: new BlockTable(),
    counts: new Uint32Array(start.layers).fill(length),
    appended: new Uint32Array(start.layers),
    reserved: length,
    committed: length,
    pending: [],
    node,
    firstKept: 0,
    priority,
    cachedTokens: length,
    epoch: 0,
    isOpen: true,
  };
}

/** Tokens that all layers have. */
export const lengthOf = ({ counts }: SequenceState): number => {
  let least = counts[0]!;
  for (const count of counts) if (count < least) least = count;
  return least;
};

/** Throws unless every layer has the same tokens: no step is half done. */
export function checkEven(fn: string, { counts }: SequenceState): void {
  if (counts.every((count) => count === counts[0])) return;
  const fix = 'Append to the remaining layers first.';
  fail(fn, 'all layers must have the same tokens', `counts ${[...counts].join(', ')}`, fix);
}
