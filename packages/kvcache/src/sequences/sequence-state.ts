import { fail } from '@heed/core/kernel';
import type { PrefixNode } from '../pages/prefix-tree.ts';

/** The host's record of a sequence: `reserved` tokens have pages, `counts[l]` have rows in layer l, `committed` have names. */
export interface SequenceState {
  readonly id: number;
  readonly table: BlockTable;
  readonly counts: Uint32Array;
  /** Tokens in the last append to each layer. */
  readonly appended: Uint32Array;
  /** Tokens for which every layer has pages. */
  reserved: number;
  committed: number;
  /** Committed tokens of the last, partly committed page. */
  pending: number[];
  /** The last full page that was committed; a root before the first. */
  node: PrefixNode;
  /** Below this index, every page outside the window has been released. */
  firstKept: number;
  priority: number;
  cachedTokens: number;
  /** Grows when the table or the length changes. Views of an earlier epoch are invalid. */
  epoch: number;
  isOpen: boolean;
}

interface SequenceStart {
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

/** Returns the number of tokens that all layers hold. */
export const lengthOf = ({ counts }: SequenceState): number => {
  let least = counts[0]!;
  for (const count of counts) if (count < least) least = count;
  return least;
};

/** Throws unless all layers hold the same tokens, so that no step is half done. */
export function checkEven(fn: string, { counts }: SequenceState): void {
  if (counts.every((count) => count === counts[0])) return;
  const fix = 'Append to the remaining layers first.';
  fail(fn, 'all layers must have the same tokens', `counts ${[...counts].join(', ')}`, fix);
}

const remembered = 8;

/** The physical pages of a sequence in logical order. It remembers recent changes, so that a copy is updated from the first on. */
class BlockTable {
  #entries = new Int32Array(8);
  /** The index of each of the last changes, by version. */
  readonly #changes = new Int32Array(remembered);
  #length = 0;
  #version = 0;

  get length(): number {
    return this.#length;
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** The entries in use: a view that the next `push` may detach. */
  get entries(): Int32Array {
    return this.#entries.subarray(0, this.#length);
  }

  at(index: number): number {
    return this.#entries[index]!;
  }

  push(page: number): void {
    if (this.#length === this.#entries.length) {
      const grown = new Int32Array(2 * this.#length);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    this.replace(this.#length++, page);
  }

  replace(index: number, page: number): void {
    this.#entries[index] = page;
    this.#changes[++this.#version % remembered] = index;
  }

  pop(): number {
    return this.#entries[--this.#length]!;
  }

  /** Returns an index below which no entry has changed since `version`. */
  changedSince(version: number): number {
    if (this.#version - version > remembered) return 0;
    let first = this.#length;
    for (let v = version + 1; v <= this.#version; v++) {
      first = Math.min(first, this.#changes[v % remembered]!);
    }
    return first;
  }
}

/** Returns the positions of a layer's new rows in their sequences, `rowCounts[i]` rows of sequence i. */
export function newPositions(
  states: readonly SequenceState[],
  layer: number,
  rowCounts: Int32Array,
): Int32Array {
  return newRows(
    states,
    (state) => state.counts[layer]!,
    rowCounts,
    (_, position) => position,
  );
}

/**
 * Computes the slots of a step's new rows, [T]: page · pageSize + row in the page (vLLM's slot mapping). All layers use the same
 * slots, so the last result is kept.
 */
export class SlotMapping {
  readonly #pageSize: number;
  #key: readonly number[] = [];
  #slots: Int32Array = new Int32Array(0);

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  get(states: readonly SequenceState[], starts: Uint32Array, rowCounts: Int32Array): Int32Array {
    const key = states.flatMap(({ id, epoch }, i) => [id, epoch, starts[i]!, rowCounts[i]!]);
    if (key.length === this.#key.length && key.every((x, i) => x === this.#key[i])) {
      return this.#slots;
    }
    const size = this.#pageSize;
    this.#key = key;
    this.#slots = newRows(
      states,
      (_, i) => starts[i]!,
      rowCounts,
      ({ table }, position) => {
        const row = position % size;
        return table.at((position - row) / size) * size + row;
      },
    );
    return this.#slots;
  }
}

function newRows(
  states: readonly SequenceState[],
  startOf: (state: SequenceState, i: number) => number,
  rowCounts: Int32Array,
  valueOf: (state: SequenceState, position: number) => number,
): Int32Array {
  const values = new Int32Array(rowCounts.reduce((sum, count) => sum + count, 0));
  let row = 0;
  states.forEach((state, i) => {
    const start = startOf(state, i);
    for (let n = 0; n < rowCounts[i]!; n++) values[row++] = valueOf(state, start + n);
  });
  return values;
}
