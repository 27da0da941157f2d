import { fail } from '@heed/core/kernel';
import type { GroupRules } from '../pages/group-rules.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import { PageTable } from './page-table.ts';
import { plainPositions, positionAt, type RowPositions } from './row-positions.ts';

/** The host's record of a sequence: `reserved` tokens have pages, `counts[l]` have rows in layer l, `committed` have names. */
export interface SequenceState {
  readonly id: number;
  /** Its pages, by group of layers; all have the same length. */
  readonly tables: readonly PageTable[];
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
  priority: number;
  cachedTokens: number;
  /** Where the rows were in the text, if rows between them have been dropped. */
  positions: RowPositions;
  /** Whether rows were dropped from its middle, so that its tokens no longer name its rows. */
  isPrivate: boolean;
  /** Grows when the table or the length changes. Views of an earlier epoch are invalid. */
  epoch: number;
  isOpen: boolean;
}

interface SequenceStart {
  readonly groups: readonly GroupRules[];
  readonly layers: number;
  readonly node: PrefixNode;
  readonly length: number;
  readonly priority: number;
}

export function sequenceState(id: number, start: SequenceStart): SequenceState {
  const { groups, node, length, priority } = start;
  node.holders++;
  return {
    id,
    tables: groups.map((rules) => new PageTable(rules)),
    counts: new Uint32Array(start.layers).fill(length),
    appended: new Uint32Array(start.layers),
    reserved: length,
    committed: length,
    pending: [],
    node,
    priority,
    cachedTokens: length,
    positions: plainPositions,
    isPrivate: false,
    epoch: 0,
    isOpen: true,
  };
}

/** Returns the number of pages that a sequence has in each group, released ones included. */
export const pageCount = ({ tables }: SequenceState): number => tables[0]!.length;

/** Returns the pages of a sequence in all groups that hold the tokens of page `index`. */
export const setsAt = ({ tables }: SequenceState, index: number): PageSet[] =>
  tables.flatMap((table) => table.at(index) ?? []);

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

/** Returns the positions of a layer's new rows, `rowCounts[i]` rows of sequence i. */
export function newPositions(
  states: readonly SequenceState[],
  layer: number,
  rowCounts: Int32Array,
): Int32Array {
  return newRows(
    states,
    (state) => state.counts[layer]!,
    rowCounts,
    ({ positions }, row) => positionAt(positions, row),
  );
}

/**
 * Computes the slots of a step's new rows in one run of layers, [T]: page · pageSize + row in the page (vLLM's slot mapping). All
 * layers of the run use the same slots, so the last result is kept.
 */
export class SlotMapping {
  readonly #pageSize: number;
  readonly #group: number;
  /** Index of the run in its group. */
  readonly #run: number;
  #key: readonly number[] = [];
  #slots: Int32Array = new Int32Array(0);

  constructor(pageSize: number, group: number, run: number) {
    this.#pageSize = pageSize;
    this.#group = group;
    this.#run = run;
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
      ({ tables }, position) => {
        const row = position % size;
        const table = tables[this.#group]!.runs[this.#run]!;
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
