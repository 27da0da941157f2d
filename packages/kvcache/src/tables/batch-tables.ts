import type { Gpu } from '@heed/core';
import type { SequenceState } from '../sequences/state.ts';
import { BatchTable } from './batch-table.ts';

const keptTables = 4;

/** The tables of the lists of sequences that were used last, and of those that are in use. */
export class BatchTables {
  readonly #gpu: Gpu;
  /** The last used first. */
  #tables: BatchTable[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** The table of these sequences in this order, with the lengths that a layer sees. */
  get(states: readonly SequenceState[], layer: number): BatchTable {
    const same = this.#tables.filter((table) => isSame(table.states, states));
    const ready = same.find((table) => table.isCurrent && table.hasLengths(layer));
    if (ready) return ready;
    const table = this.#reusable(same, states) ?? this.#add(states);
    table.sync(layer);
    this.#tables = [table, ...this.#tables.filter((other) => other !== table)];
    return table;
  }

  dispose(): void {
    for (const table of this.#tables) table.dispose();
    this.#tables = [];
  }

  // A current table may be in use, by a view of a layer that has more tokens than this one.
  #reusable(same: readonly BatchTable[], states: readonly SequenceState[]): BatchTable | undefined {
    const pages = mostPages(states);
    return same.find((table) => !table.isCurrent && table.rowCapacity >= pages);
  }

  #add(states: readonly SequenceState[]): BatchTable {
    const [kept, old] = [this.#tables.slice(0, keptTables), this.#tables.slice(keptTables)];
    for (const table of old) if (!table.isCurrent) table.dispose();
    this.#tables = [...kept, ...old.filter((table) => table.isCurrent)];
    // Grows ahead of the sequences, so that most steps find room.
    return new BatchTable(this.#gpu, states, 2 ** Math.ceil(Math.log2(mostPages(states))));
  }
}

const mostPages = (states: readonly SequenceState[]): number =>
  states.reduce((most, { table }) => Math.max(most, table.length), 1);

const isSame = (a: readonly SequenceState[], b: readonly SequenceState[]): boolean =>
  a.length === b.length && a.every((state, i) => state === b[i]);
