const remembered = 8;

/** The physical pages of one sequence in logical order, and where they changed last, so that copies are brought up to date by ranges. */
export class BlockTable {
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

  /** No entry before this one has changed since `version`. */
  changedSince(version: number): number {
    if (this.#version - version > remembered) return 0;
    let first = this.#length;
    for (let v = version + 1; v <= this.#version; v++) {
      first = Math.min(first, this.#changes[v % remembered]!);
    }
    return first;
  }
}
