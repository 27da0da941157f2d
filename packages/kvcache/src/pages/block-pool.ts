/** Page 0 of every run, which is never allocated: table entries of released pages point to it. */
export const NULL_PAGE = 0;

/** Memory that a step could have: blocks without a page in use, and for each run the other pages of blocks with one. */
export interface Room {
  blocks: number;
  readonly spare: number[];
}

/**
 * Blocks of equal bytes, which runs of layers divide into pages. A block belongs to one run until all its pages are free. Block 0 is
 * the null block. A page is free, in use, or kept: neither.
 */
export class BlockPool {
  /** Blocks that can be allocated. */
  readonly blocks: number;
  /** Pages of a block, by run. */
  readonly perBlock: readonly number[];
  readonly #most: number;
  /** Pages of a block that are not free, and those in use. */
  readonly #taken: Uint32Array;
  readonly #used: Uint32Array;
  /** Whether a page is taken, by block and place in it; only for blocks of several pages. */
  readonly #isTaken: Uint8Array;
  #free: number[];
  /** Number of blocks that belong to a run. */
  readonly #owned: number[];
  /** Blocks of a run that have free pages. */
  readonly #open: readonly Set<number>[];
  /** Free pages in the blocks of a run. */
  readonly #openPages: number[];
  /** Pages that are not in use in blocks of a run that have one in use. */
  readonly #spare: number[];
  #idle: number;

  constructor(blocks: number, perBlock: readonly number[]) {
    this.blocks = blocks;
    this.perBlock = perBlock;
    this.#most = Math.max(...perBlock);
    this.#owned = perBlock.map(() => 0);
    this.#taken = new Uint32Array(blocks + 1);
    this.#used = new Uint32Array(blocks + 1);
    this.#isTaken = new Uint8Array(this.#most > 1 ? (blocks + 1) * this.#most : 0);
    this.#free = Array.from({ length: blocks }, (_, i) => blocks - i);
    this.#open = perBlock.map(() => new Set());
    this.#openPages = perBlock.map(() => 0);
    this.#spare = perBlock.map(() => 0);
    this.#idle = blocks;
  }

  /** Blocks that hold nothing. */
  get free(): number {
    return this.#free.length;
  }

  /** Blocks without a page in use. */
  get idle(): number {
    return this.#idle;
  }

  /** Memory that could be had if every kept page were given up. */
  get room(): Room {
    return { blocks: this.#idle, spare: [...this.#spare] };
  }

  /** Memory that is free now. */
  get freeRoom(): Room {
    return { blocks: this.#free.length, spare: this.#openPages };
  }

  /** Returns {@link room} as it would be if these pages in use, `[run, page]`, were not. */
  roomWithout(pages: readonly (readonly [run: number, page: number])[]): Room {
    const room = this.room;
    const used = new Map<number, number>();
    for (const [run, page] of pages) {
      const size = this.perBlock[run]!;
      const block = Math.floor(page / size);
      const left = (used.get(block) ?? this.#used[block]!) - 1;
      used.set(block, left);
      if (left === 0) {
        room.blocks++;
        room.spare[run]! -= size - 1;
      } else {
        room.spare[run]!++;
      }
    }
    return room;
  }

  /** Takes a free page for use: one of a block that the run has, else the first of a free block. There must be one. */
  take(run: number): number {
    const size = this.perBlock[run]!;
    if (size === 1) {
      const block = this.#free.pop()!;
      this.#owned[run]!++;
      this.#taken[block] = 1;
      this.use(run, block);
      return block;
    }
    let [block] = this.#open[run]!;
    if (block === undefined) {
      block = this.#free.pop()!;
      this.#owned[run]!++;
      this.#open[run]!.add(block);
      this.#openPages[run]! += size;
    }
    let place = 0;
    while (this.#isTaken[block * this.#most + place] === 1) place++;
    this.#isTaken[block * this.#most + place] = 1;
    this.#openPages[run]!--;
    if (++this.#taken[block]! === size) this.#open[run]!.delete(block);
    const page = block * size + place;
    this.use(run, page);
    return page;
  }

  /** A kept page is used. */
  use(run: number, page: number): void {
    const size = this.perBlock[run]!;
    const block = Math.floor(page / size);
    if (this.#used[block]!++ === 0) {
      this.#idle--;
      this.#spare[run]! += size - 1;
    } else {
      this.#spare[run]!--;
    }
  }

  /** A used page is kept. */
  keep(run: number, page: number): void {
    const size = this.perBlock[run]!;
    const block = Math.floor(page / size);
    if (--this.#used[block]! === 0) {
      this.#idle++;
      this.#spare[run]! -= size - 1;
    } else {
      this.#spare[run]!++;
    }
  }

  /** A kept page becomes free. */
  release(run: number, page: number): void {
    const size = this.perBlock[run]!;
    const block = Math.floor(page / size);
    const left = --this.#taken[block]!;
    if (size > 1) {
      this.#isTaken[block * this.#most + (page % size)] = 0;
      this.#openPages[run]!++;
      this.#open[run]!.add(block);
    }
    if (left > 0) return;
    this.#owned[run]!--;
    this.#free.push(block);
    if (size === 1) return;
    this.#open[run]!.delete(block);
    this.#openPages[run]! -= size;
  }

  /** Blocks that were freed since the free ones were `count` are taken after those, in the order in which they were freed. */
  queueFreed(count: number): void {
    if (this.#free.length === count) return;
    const freed = this.#free.splice(count);
    this.#free = [...freed.toReversed(), ...this.#free];
  }

  /** Returns the number of blocks that a run has. */
  blocksOf(run: number): number {
    return this.#owned[run]!;
  }
}

/** Returns how many blocks are lacking, or left if negative, when each run takes this many pages. */
export function blocksLacking(
  perBlock: readonly number[],
  wanted: readonly number[],
  room: Room,
): number {
  return blocksFor(perBlock, wanted, room) - room.blocks;
}

/** Returns how many blocks are needed when each run takes this many pages, beside those that it has room for. */
export function blocksFor(
  perBlock: readonly number[],
  wanted: readonly number[],
  { spare }: Room,
): number {
  let needed = 0;
  for (const [run, pages] of wanted.entries()) {
    needed += Math.ceil(Math.max(0, pages - spare[run]!) / perBlock[run]!);
  }
  return needed;
}
