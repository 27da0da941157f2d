import assert from 'node:assert/strict';
import { layersOfRun } from '../../../src/pages/group-rules.ts';
import type { LedgerOptions } from '../../../src/sequences/ledger.ts';

/** Pages of one group with the same tokens: an id for each of its runs. */
export interface ModelCopy {
  readonly group: number;
  readonly ids: readonly number[];
  /** All tokens up to that of the row, by layer of the group and row. */
  readonly rows: (string | undefined)[][];
  prefix: string | undefined;
  lastUsed: number;
}

export interface ModelSequence {
  readonly id: number;
  readonly salt: string;
  readonly priority: number;
  /** Every token that was found or appended. */
  tokens: number[];
  /** By layer, counted through all groups. */
  counts: number[];
  committed: number;
  /** By group and page; undefined where a window released one. */
  copies: (ModelCopy | undefined)[][];
}

interface ModelGroup {
  readonly group: number;
  readonly runs: number;
  readonly firstRun: number;
  readonly perBlock: number;
  readonly layers: number;
}

/** Blocks, and places of pages in blocks that a run has. */
interface ModelRoom {
  readonly blocks: number;
  readonly spare: readonly number[];
}

/** A cache that stores every token of every page and finds everything by search. */
export class GroupedCache {
  readonly options: LedgerOptions;
  readonly groups: readonly ModelGroup[];
  /** The group and the run in it of each layer. */
  readonly layers: readonly {
    readonly group: number;
    readonly run: number;
    readonly index: number;
  }[];
  readonly copies: Set<ModelCopy> = new Set();
  readonly sequences: Map<number, ModelSequence> = new Map();
  priorities: Map<string, number> = new Map();
  now = 0;
  readonly #byPage = new Map<string, ModelCopy>();

  constructor(options: LedgerOptions) {
    this.options = options;
    const size = layersOfRun(options.groups);
    let firstRun = 0;
    this.groups = options.groups.map(({ layers, perBlock = 1 }, group) => {
      const runs = Math.ceil(layers / size);
      firstRun += runs;
      return { group, runs, firstRun: firstRun - runs, perBlock, layers };
    });
    this.layers = this.groups.flatMap(({ group, layers }) =>
      Array.from({ length: layers }, (_, index) => {
        return { group, run: Math.floor(index / size), index };
      }),
    );
  }

  /** Returns the copy of a group that has this page in one of its runs. */
  at(group: number, run: number, page: number): ModelCopy | undefined {
    return this.#byPage.get(`${this.groups[group]!.firstRun + run}:${page}`);
  }

  /** Allocates free pages. */
  add(group: number, ids: readonly number[]): ModelCopy {
    const rows = Array.from({ length: this.groups[group]!.layers }, () => []);
    const copy: ModelCopy = { group, ids, rows, prefix: undefined, lastUsed: 0 };
    assert.equal(ids.length, this.groups[group]!.runs);
    ids.forEach((page, run) => {
      assert.equal(this.at(group, run, page), undefined);
      this.#byPage.set(`${this.groups[group]!.firstRun + run}:${page}`, copy);
    });
    this.copies.add(copy);
    return copy;
  }

  delete(copy: ModelCopy): void {
    this.copies.delete(copy);
    copy.ids.forEach((page, run) => {
      this.#byPage.delete(`${this.groups[copy.group]!.firstRun + run}:${page}`);
    });
  }

  /** Returns the number of table entries that name each copy. */
  references(): Map<ModelCopy, number> {
    const counts = new Map([...this.copies].map((copy) => [copy, 0]));
    for (const { copies } of this.sequences.values()) {
      for (const copy of copies.flat()) if (copy) counts.set(copy, counts.get(copy)! + 1);
    }
    return counts;
  }

  /** Returns the memory beside these copies, and checks that no two runs share a block. */
  roomBeside(copies: Iterable<ModelCopy>): ModelRoom {
    const taken = new Map<number, { run: number; count: number }>();
    for (const { group, ids } of copies) {
      const { firstRun, perBlock } = this.groups[group]!;
      ids.forEach((page, i) => {
        const block = Math.floor(page / perBlock);
        assert.ok(block > 0 && block <= this.options.blocks);
        const there = taken.get(block) ?? { run: firstRun + i, count: 0 };
        assert.equal(there.run, firstRun + i);
        there.count++;
        taken.set(block, there);
      });
    }
    const perBlock = this.groups.flatMap((g) => Array<number>(g.runs).fill(g.perBlock));
    const spare = perBlock.map(() => 0);
    for (const { run, count } of taken.values()) spare[run]! += perBlock[run]! - count;
    return { blocks: this.options.blocks - taken.size, spare };
  }

  /** Returns the copies in no table that hold a prefix. */
  cached(): ModelCopy[] {
    return [...this.references()].flatMap(([copy, count]) => (count === 0 ? [copy] : []));
  }

  holders(prefix: string, group: number): ModelCopy[] {
    return [...this.copies].filter((copy) => copy.prefix === prefix && copy.group === group);
  }

  /** Returns the prefixes that have a page in every group without a window; where there is no such group, in any. */
  stored(): Set<string> {
    const full = this.options.groups.flatMap(({ window }, g) => (window === undefined ? [g] : []));
    const had = new Map<string, Set<number>>();
    for (const { prefix, group } of this.copies) {
      if (prefix === undefined) continue;
      had.set(prefix, (had.get(prefix) ?? new Set()).add(group));
    }
    return new Set(
      [...had].flatMap(([prefix, groups]) => (full.every((g) => groups.has(g)) ? [prefix] : [])),
    );
  }

  #isKnown(prefix: string): boolean {
    for (const copy of this.copies) if (copy.prefix === prefix) return true;
    const committed = [...this.sequences.values()].map((one) => this.committedPrefix(one));
    return committed.includes(prefix) || this.isContinued(prefix);
  }

  /** Returns whether a page or a committed sequence continues a prefix. */
  isContinued(prefix: string): boolean {
    const goesOn = (other: string | undefined): boolean => other?.startsWith(`${prefix}|`) ?? false;
    for (const copy of this.copies) if (goesOn(copy.prefix)) return true;
    return [...this.sequences.values()].some((sequence) => goesOn(this.committedPrefix(sequence)));
  }

  committedPrefix({ salt, tokens, committed }: ModelSequence): string {
    const { pageSize } = this.options;
    return prefixOf(salt, tokens, committed - (committed % pageSize), pageSize);
  }

  raisePriority(prefix: string, priority: number): void {
    this.priorities.set(prefix, Math.max(this.priorities.get(prefix) ?? -Infinity, priority));
  }

  /** Forgets the priorities of prefixes without pages and sequences. */
  forgetPriorities(): void {
    const committed = [...this.sequences.values()].map((s) => this.committedPrefix(s));
    const alive = new Set([
      ...[...this.copies].flatMap(({ prefix }) => prefix ?? []),
      ...committed,
    ]);
    this.priorities = new Map(
      [...this.priorities].filter(([prefix]) => {
        if (alive.has(prefix)) return true;
        for (const other of alive) if (other.startsWith(`${prefix}|`)) return true;
        return false;
      }),
    );
  }

  /** Sets the time of copies without references; those without a prefix become free, and are returned. */
  released(copies: readonly (ModelCopy | undefined)[], now: number): ModelCopy[] {
    const references = this.references();
    return copies.flatMap((copy) => {
      if (!copy || references.get(copy)! > 0) return [];
      copy.lastUsed = now;
      if (copy.prefix !== undefined) return [];
      this.delete(copy);
      return [copy];
    });
  }

  /** Returns the number of full pages that `open` must find. */
  longestHit(salt: string, tokens: readonly number[]): number {
    const { pageSize, groups } = this.options;
    const had = new Set([...this.copies].map(({ group, prefix }) => `${group} ${prefix}`));
    let best = 0;
    for (let pages = 1; pages * pageSize < tokens.length; pages++) {
      let isHit = true;
      for (let i = 0; i < pages; i++) {
        const prefix = prefixOf(salt, tokens, (i + 1) * pageSize, pageSize);
        for (const group of groups.keys()) {
          if (this.isUnseen(group, i, pages * pageSize)) continue;
          if (!had.has(`${group} ${prefix}`)) isHit = false;
        }
      }
      // What no page, continuation or sequence has is not found, even where no query would see it.
      const prefix = prefixOf(salt, tokens, pages * pageSize, pageSize);
      if (isHit && this.#isKnown(prefix)) best = pages;
    }
    return best;
  }

  /** Returns whether no query of a group at position `length` or later sees a key of page `index`. */
  isUnseen(group: number, index: number, length: number): boolean {
    const { pageSize, groups } = this.options;
    const { window, sinkTokens = 0 } = groups[group]!;
    if (window === undefined) return false;
    for (let key = index * pageSize; key < (index + 1) * pageSize; key++) {
      if (key < sinkTokens || key >= length - window) return false;
    }
    return true;
  }

  /** Returns what no query from the next token on can see: groups and indices of table entries. */
  passed({ copies, counts }: ModelSequence): [group: number, index: number][] {
    const length = Math.min(...counts);
    return copies.flatMap((list, group) =>
      list.flatMap((copy, i): [number, number][] =>
        copy && this.isUnseen(group, i, length) ? [[group, i]] : [],
      ),
    );
  }
}

/** The name of a prefix in the model: its salt and its tokens, page by page. */
export function prefixOf(
  salt: string,
  tokens: readonly number[],
  end: number,
  pageSize: number,
): string {
  let prefix = salt;
  for (let at = 0; at < end; at += pageSize) prefix += `|${tokens.slice(at, at + pageSize).join()}`;
  return prefix;
}

export const pagesOf = (prefix: string): string[] => prefix.split('|').slice(1);

/** Returns how many blocks are lacking when each run takes this many pages. */
export function lacking(
  { groups }: GroupedCache,
  wanted: readonly number[],
  { blocks, spare }: ModelRoom,
): number {
  let left = blocks;
  for (const { firstRun, runs, perBlock } of groups) {
    for (let run = firstRun; run < firstRun + runs; run++) {
      for (let pages = spare[run]!; pages < wanted[run]!; pages += perBlock) left--;
    }
  }
  return -left;
}
