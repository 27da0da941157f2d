import type { SequenceState } from './state.ts';

/** Positions in their sequences of `rowCounts[i]` new rows of a layer. */
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
 * Where the new rows of a step go, [T]: page · pageSize + row in the page (vLLM's slot mapping). The same for every layer, so
 * the last answer is kept.
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
