import type { Gpu, Tensor } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  type KernelSource,
  setKnownList,
  type SharedPrefixes,
  threadGrid,
  threadMain,
  unscoped,
  uploadStorage,
  wgsl,
} from '@heed/core/kernel';
import { sharedPrefixes } from '../sequences/shared-prefixes.ts';
import type { BlockTable } from '../sequences/page-table.ts';
import { pageCount, type SequenceState } from '../sequences/sequence-state.ts';

const keptTables = 4;

/** The tables of the most recent batches in one run of layers, and of all batches whose views may still be in use. */
export class BatchTables {
  readonly #gpu: Gpu;
  readonly #tableOf: TableOf;
  /** Most recently used first. */
  #tables: BatchTable[] = [];

  constructor(gpu: Gpu, group: number, run: number) {
    this.#gpu = gpu;
    this.#tableOf = ({ tables }) => tables[group]!.runs[run]!;
  }

  /** Returns a table of these sequences in this order, with the lengths of a layer. */
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

  // A view of a layer that is ahead of this one may still use a current table.
  #reusable(same: readonly BatchTable[], states: readonly SequenceState[]): BatchTable | undefined {
    const pages = mostPages(states);
    return same.find((table) => !table.isCurrent && table.rowCapacity >= pages);
  }

  #add(states: readonly SequenceState[]): BatchTable {
    const [kept, old] = [this.#tables.slice(0, keptTables), this.#tables.slice(keptTables)];
    for (const table of old) if (!table.isCurrent) table.dispose();
    this.#tables = [...kept, ...old.filter((table) => table.isCurrent)];
    // A power of two, so that most steps fit.
    return new BatchTable(
      this.#gpu,
      states,
      this.#tableOf,
      2 ** Math.ceil(Math.log2(mostPages(states))),
    );
  }
}

const mostPages = (states: readonly SequenceState[]): number =>
  states.reduce((most, state) => Math.max(most, pageCount(state)), 1);

/** The block table of a sequence in the run. */
type TableOf = (state: SequenceState) => BlockTable;

const isSame = (a: readonly SequenceState[], b: readonly SequenceState[]): boolean =>
  a.length === b.length && a.every((state, i) => state === b[i]);

/** The lists of a batch on the GPU, with the lengths of one layer. */
export interface BatchLists {
  /** [N + 1] i32. */
  readonly cuSeqlensQ: Tensor;
  /** [N] i32. */
  readonly seqUsedK: Tensor;
  /** [N, maxPages] i32. */
  readonly blockTable: Tensor;
}

/**
 * Lengths and block tables of one batch, in one allocation: cuSeqlensQ, seqUsedK, blockTable. It persists from step to step; only
 * changed words are uploaded, once for all layers.
 */
export class BatchTable {
  readonly states: readonly SequenceState[];
  readonly lists: BatchLists;
  readonly rowCapacity: number;
  readonly #tableOf: TableOf;
  readonly #memory: Tensor;
  /** The words on the GPU. */
  readonly #words: Int32Array;
  readonly #versions: Float64Array;
  /** The sequences' epochs at the last update of the GPU. */
  readonly #epochs: Float64Array;
  #shared: SharedPrefixes | undefined;

  constructor(gpu: Gpu, states: readonly SequenceState[], tableOf: TableOf, rowCapacity: number) {
    const batch = states.length;
    const words = 2 * batch + 1 + batch * rowCapacity;
    this.states = states;
    this.rowCapacity = rowCapacity;
    this.#tableOf = tableOf;
    this.#words = new Int32Array(words);
    this.#versions = new Float64Array(batch).fill(-Infinity);
    this.#epochs = new Float64Array(batch).fill(-1);
    const options = { shape: [words], label: 'heed/kv/tables' };
    this.#memory = unscoped(gpu, () => gpu.tensor(this.#words, options));
    this.lists = {
      cuSeqlensQ: this.#memory.slice(0, 0, batch + 1),
      seqUsedK: this.#memory.slice(0, batch + 1, 2 * batch + 1),
      blockTable: this.#memory.slice(0, 2 * batch + 1, words).reshape([batch, rowCapacity]),
    };
  }

  /** Whether no sequence has changed since the last update, so that views of these lists may be in use. */
  get isCurrent(): boolean {
    return this.states.every(({ epoch }, i) => epoch === this.#epochs[i]);
  }

  /** Which sequences begin with the same pages. Found anew only after a table has changed. */
  get shared(): SharedPrefixes {
    this.#shared ??= sharedPrefixes(this.states, this.#tableOf);
    return this.#shared;
  }

  /** Returns whether the GPU has the lengths of a layer. */
  hasLengths(layer: number): boolean {
    const batch = this.states.length;
    let end = 0;
    return this.states.every(({ counts, appended }, i) => {
      end += appended[layer]!;
      return this.#words[i + 1] === end && this.#words[batch + 1 + i] === counts[layer];
    });
  }

  /** Updates the words on the GPU. */
  sync(layer: number): void {
    const batch = this.states.length;
    const pairs: number[] = [];
    const set = (word: number, value: number): void => {
      if (this.#words[word] === value) return;
      this.#words[word] = value;
      pairs.push(word, value);
    };
    let end = 0;
    this.states.forEach((state, i) => {
      const { counts, appended, epoch } = state;
      const table = this.#tableOf(state);
      this.#epochs[i] = epoch;
      end += appended[layer]!;
      set(i + 1, end);
      set(batch + 1 + i, counts[layer]!);
      if (this.#versions[i] === table.version) return;
      this.#shared = undefined;
      const row = 2 * batch + 1 + i * this.rowCapacity;
      for (let at = table.changedSince(this.#versions[i]!); at < table.length; at++) {
        set(row + at, table.at(at));
      }
      this.#versions[i] = table.version;
    });
    updateWords(this.#memory, Int32Array.from(pairs));
    setKnownList(this.lists.cuSeqlensQ, this.#words.slice(0, batch + 1));
    setKnownList(this.lists.seqUsedK, this.#words.slice(batch + 1, 2 * batch + 1));
  }

  dispose(): void {
    this.#memory.dispose();
  }
}

/** Writes words of a contiguous tensor, in order with other dispatches. `pairs` is index, value, index, value, … */
function updateWords(table: Tensor, pairs: Int32Array): void {
  const count = pairs.length / 2;
  if (count === 0) return;
  const { gpu } = table;
  const { range, elementOffset } = bindTensor(table);
  gpu.batch(() => {
    dispatch(gpu, {
      kernel: getKernel(gpu, updateSource),
      buffers: [uploadStorage(gpu, pairs), range],
      params: Uint32Array.of(elementOffset, count),
      workgroups: threadGrid(gpu, count),
    });
  });
}

/** Writes single words of a table: pairs of an index and a value. */
export const updateSource: KernelSource = {
  label: 'heed/kv/update-table',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      first: u32,
      count: u32,
    }

    @group(0) @binding(0) var<storage, read> pairs: array<vec2<u32>>;
    @group(0) @binding(1) var<storage, read_write> table: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    ${threadMain(
      'i',
      wgsl`
        if (i < params.count) {
          table[params.first + pairs[i].x] = pairs[i].y;
        }
      `,
    )}
  `}\n`,
};
