import type { Gpu, Tensor } from '@heed/core';
import { setKnownList, unscoped } from '@heed/core/kernel';
import type { SequenceState } from '../sequences/state.ts';
import { updateWords } from './update.ts';

/** The lists of a batch of sequences on the GPU, as one layer sees them. */
export interface BatchLists {
  /** [N + 1] i32. */
  readonly cuSeqlensQ: Tensor;
  /** [N] i32. */
  readonly seqUsedK: Tensor;
  /** [N, maxPages] i32. */
  readonly blockTable: Tensor;
}

/**
 * Block tables and lengths of one list of sequences, in one allocation: cuSeqlensQ, seqUsedK, blockTable. It lives from step
 * to step; only words that changed are uploaded, once for all layers.
 */
export class BatchTable {
  readonly states: readonly SequenceState[];
  readonly lists: BatchLists;
  readonly rowCapacity: number;
  readonly #memory: Tensor;
  /** What the GPU has. */
  readonly #words: Int32Array;
  readonly #versions: Float64Array;
  /** The states' epochs when the GPU was last brought up to date. */
  readonly #epochs: Float64Array;

  constructor(gpu: Gpu, states: readonly SequenceState[], rowCapacity: number) {
    const batch = states.length;
    const words = 2 * batch + 1 + batch * rowCapacity;
    this.states = states;
    this.rowCapacity = rowCapacity;
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

  /** Whether no sequence has changed since: what was made of these lists may still be in use. */
  get isCurrent(): boolean {
    return this.states.every(({ epoch }, i) => epoch === this.#epochs[i]);
  }

  /** Whether the GPU has the lengths that a layer sees. */
  hasLengths(layer: number): boolean {
    const batch = this.states.length;
    let end = 0;
    return this.states.every(({ counts, appended }, i) => {
      end += appended[layer]!;
      return this.#words[i + 1] === end && this.#words[batch + 1 + i] === counts[layer];
    });
  }

  /** Brings the GPU's words up to date. */
  sync(layer: number): void {
    const batch = this.states.length;
    const pairs: number[] = [];
    const set = (word: number, value: number): void => {
      if (this.#words[word] === value) return;
      this.#words[word] = value;
      pairs.push(word, value);
    };
    let end = 0;
    this.states.forEach(({ counts, appended, table, epoch }, i) => {
      this.#epochs[i] = epoch;
      end += appended[layer]!;
      set(i + 1, end);
      set(batch + 1 + i, counts[layer]!);
      if (this.#versions[i] === table.version) return;
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
