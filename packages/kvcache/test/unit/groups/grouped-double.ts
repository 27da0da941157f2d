// Not vitest's matchers: millions of their calls would take minutes.
import assert from 'node:assert/strict';
import { CapacityError } from '@heed/core';
import type { CacheCore } from '../../../src/cache/cache-core.ts';
import { type KvSequence, sequenceOf } from '../../../src/cache/kv-sequence.ts';
import { rootName } from '../../../src/pages/page-name.ts';
import type { PageSet, PrefixNode } from '../../../src/pages/prefix-node.ts';
import { Ledger, type LedgerOptions } from '../../../src/sequences/ledger.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import {
  lacking,
  type ModelCopy,
  type ModelSequence,
  GroupedCache,
  pagesOf,
  prefixOf,
} from './grouped-cache.ts';
import { salts } from '../ledger/agreement.ts';
import { demandOf, follow, growing, idsOf, releasePassed } from './grouped-step.ts';

interface SavedCopy {
  readonly prefix: string;
  readonly group: number;
  readonly rows: (string | undefined)[][];
}

/** A ledger and its model. Every call is made on both, and the ledger's decisions are checked. */
export class GroupedDouble {
  readonly ledger: Ledger;
  readonly model: GroupedCache;
  readonly options: LedgerOptions;
  /** Prefixes as derived from the events. */
  readonly replayed: Set<string> = new Set();
  #store: SavedCopy[] = [];

  constructor(options: LedgerOptions) {
    this.options = options;
    this.model = new GroupedCache(options);
    this.ledger = new Ledger(options, {
      stored: (node) => {
        assert.equal(this.replayed.has(prefixOfNode(node)), false);
        this.replayed.add(prefixOfNode(node));
      },
      removed: (node) => assert.equal(this.replayed.delete(prefixOfNode(node)), true),
    });
  }

  get sequences(): SequenceState[] {
    return [...this.ledger.open];
  }

  /** Number of layers, of all groups. */
  get layers(): number {
    return this.model.layers.length;
  }

  modelOf(state: SequenceState): ModelSequence {
    return this.model.sequences.get(state.id)!;
  }

  open(salt: string, tokens: number[], priority: number): void {
    const { model, options } = this;
    const { pageSize } = options;
    const hit = model.longestHit(salt, tokens);
    const state = this.ledger.openSequence(tokens, salt, priority);
    assert.equal(state.cachedTokens, hit * pageSize);
    const found = tokens.slice(0, state.cachedTokens);
    for (let i = 0; i < hit; i++) {
      model.raisePriority(prefixOf(salt, found, (i + 1) * pageSize, pageSize), priority);
    }
    const copies = state.tables.map(({ sets }, group) =>
      sets.map((set, i) => {
        assert.equal(set === undefined, model.isUnseen(group, i, found.length));
        if (!set) return undefined;
        const copy = this.#copyOf(set);
        assert.equal(copy.prefix, prefixOf(salt, found, (i + 1) * pageSize, pageSize));
        return copy;
      }),
    );
    const counts = Array.from({ length: this.layers }, () => found.length);
    const committed = found.length;
    const { id } = state;
    model.sequences.set(id, { id, salt, priority, tokens: found, counts, committed, copies });
  }

  /** Appends the same new tokens to the first `layers` layers that lack them. */
  append(states: SequenceState[], tokens: number[][], layers: number): void {
    for (let layer = 0; layer < layers; layer++) {
      const rows = Int32Array.from(states, (state, i) => {
        const wanted = this.modelOf(state).tokens.length + (layer === 0 ? tokens[i]!.length : 0);
        return wanted - state.counts[layer]!;
      });
      if (!this.#appendLayer(states, tokens, layer, rows)) return;
    }
  }

  #appendLayer(
    states: SequenceState[],
    tokens: number[][],
    layer: number,
    rows: Int32Array,
  ): boolean {
    const growths = growing(
      states.map((state) => this.modelOf(state)),
      layer,
      rows,
    );
    const { fits } = demandOf(this.model, growths);
    const before = fits ? undefined : snapshot(this.ledger);
    // In the middle of a step, the pages are reserved already.
    if (states.every(({ counts }) => counts.every((count) => count === counts[0])))
      assert.equal(this.ledger.canAppend(states, [...rows]), fits);
    let step: ReturnType<Ledger['append']>;
    try {
      step = this.ledger.append('append', layer, states, rows);
    } catch (error) {
      assert.ok(error instanceof CapacityError);
      assert.equal(fits, false);
      assert.equal(snapshot(this.ledger), before);
      return false;
    }
    assert.equal(fits, true);
    follow(this.model, growths, step.moves);
    let row = 0;
    const references = this.model.references();
    states.forEach((state, i) => {
      const sequence = this.modelOf(state);
      if (layer === 0) sequence.tokens.push(...tokens[i]!);
      const all = contents(sequence.tokens);
      for (let n = 0; n < rows[i]!; n++, row++) {
        const position = sequence.counts[layer]!++;
        this.#write(step.slots[row]!, layer, all[position]!, references);
      }
    });
    assert.equal(step.slots.length, row);
    return true;
  }

  #write(
    slot: number,
    layer: number,
    content: string,
    references: ReadonlyMap<ModelCopy, number>,
  ): void {
    const { pageSize } = this.options;
    const { group, run, index } = this.model.layers[layer]!;
    const copy = this.model.at(group, run, Math.floor(slot / pageSize))!;
    // Neither a shared page nor a named one is ever written.
    assert.equal(references.get(copy), 1);
    assert.equal(copy.prefix, undefined);
    copy.rows[index]![slot % pageSize] = content;
  }

  commit(state: SequenceState, count: number): void {
    const { model, options } = this;
    const { pageSize } = options;
    const sequence = this.modelOf(state);
    const { committed, salt, tokens } = sequence;
    this.ledger.commit('commit', state, tokens.slice(committed, committed + count));
    sequence.committed += count;
    for (let i = Math.floor(committed / pageSize); (i + 1) * pageSize <= sequence.committed; i++) {
      const prefix = prefixOf(salt, tokens, (i + 1) * pageSize, pageSize);
      model.raisePriority(prefix, sequence.priority);
      for (const list of sequence.copies) {
        const copy = list[i];
        if (copy) copy.prefix = prefix;
      }
    }
  }

  fork(state: SequenceState): void {
    const child = this.ledger.fork(state);
    const { copies, tokens, counts, ...rest } = this.modelOf(state);
    this.model.sequences.set(child.id, {
      ...rest,
      id: child.id,
      tokens: [...tokens],
      counts: [...counts],
      copies: copies.map((list) => [...list]),
    });
  }

  truncate(state: SequenceState, length: number): void {
    const { model, options } = this;
    const sequence = this.modelOf(state);
    const kept = Math.ceil(length / options.pageSize);
    const isSound = sequence.copies.every((list, group) =>
      list.slice(0, kept).every((copy, i) => copy ?? model.isUnseen(group, i, length)),
    );
    if (!isSound) {
      this.refused(() => this.ledger.truncate('truncate', state, length), /window/);
      return;
    }
    const freed = this.ledger.truncate('truncate', state, length);
    const gone = tailFrom(sequence, kept);
    for (const list of sequence.copies) list.splice(kept);
    assert.deepEqual(freed.map(idsOf), model.released(gone, ++model.now).map(idsOf));
    sequence.tokens.length = length;
    sequence.counts.fill(length);
    sequence.committed = Math.min(sequence.committed, length);
  }

  close(state: SequenceState): void {
    const { model } = this;
    const sequence = this.modelOf(state);
    const freed = releasePassed(model, sequence, ++model.now);
    model.sequences.delete(state.id);
    freed.push(...model.released(tailFrom(sequence, 0), ++model.now));
    assert.deepEqual(this.ledger.close(state).map(idsOf), freed.map(idsOf));
    assert.deepEqual(handleOf(this.ledger, state).pages, []);
  }

  clear(): void {
    const cached = this.model.cached().map(idsOf);
    assert.deepEqual(new Set(this.ledger.clear().map(idsOf)), new Set(cached));
    for (const copy of this.model.copies) this.model.delete(copy);
    this.replayed.clear();
  }

  save(): void {
    const known = new Set(this.#store.map(({ prefix, group }) => `${group} ${prefix}`));
    for (const { prefix, group, rows } of this.model.copies) {
      if (prefix === undefined || known.has(`${group} ${prefix}`)) continue;
      known.add(`${group} ${prefix}`);
      this.#store.push({ prefix, group, rows: rows.map((layer) => [...layer]) });
    }
  }

  load(): void {
    const { ledger, model } = this;
    const depth = ({ prefix, group }: SavedCopy): number => 8 * pagesOf(prefix).length + group;
    for (const { prefix, group, rows } of this.#store.toSorted((a, b) => depth(a) - depth(b))) {
      const isKnown = model.holders(prefix, group).length > 0;
      const { firstRun, runs } = model.groups[group]!;
      const wanted = model.groups.flatMap((g) => Array<number>(g.runs).fill(0));
      wanted.fill(1, firstRun, firstRun + runs);
      const isFull = lacking(model, wanted, model.roomBeside(model.copies)) > 0;
      let node = ledger.tree.root(rootName(prefix.split('|')[0]));
      for (const page of pagesOf(prefix))
        node = ledger.tree.insert(node, page.split(',').map(Number), 0);
      const [set] = isKnown ? [] : ledger.adopt([node], group);
      ledger.tree.prune(node);
      assert.equal(set === undefined, isKnown || isFull);
      if (!set) continue;
      const copy = model.add(group, set.pages);
      Object.assign(copy, { prefix, rows: rows.map((layer) => [...layer]), lastUsed: ++model.now });
      model.raisePriority(prefix, 0);
    }
  }

  /** A call that is refused changes nothing. */
  refused(call: () => unknown, message: RegExp): void {
    const before = snapshot(this.ledger);
    assert.throws(call, message);
    assert.equal(snapshot(this.ledger), before);
  }

  /** Everything that must hold between two calls. */
  check(): void {
    this.#checkPages();
    this.#checkNames();
    for (const state of this.ledger.open) checkSequence(this, state, this.modelOf(state));
    assert.equal(this.ledger.open.size, this.model.sequences.size);
    this.model.forgetPriorities();
  }

  #copyOf({ group, pages }: PageSet): ModelCopy {
    return this.model.at(group, 0, pages[0]!)!;
  }

  #checkPages(): void {
    const { ledger, model } = this;
    const { blocks } = ledger.pages;
    const references = model.references();
    const sets = setsOf(ledger);
    assert.equal(sets.size, references.size);
    for (const set of sets) {
      const copy = this.#copyOf(set);
      assert.equal(idsOf(set), idsOf(copy));
      assert.equal(set.references, references.get(copy));
      assert.equal(set.node && prefixOfNode(set.node), copy.prefix);
    }
    const used = [...references].flatMap(([copy, count]) => (count > 0 ? [copy] : []));
    assert.equal(ledger.pages.cached, references.size - used.length);
    assert.deepEqual(blocks.room, model.roomBeside(used));
    assert.deepEqual(
      { blocks: blocks.freeRoom.blocks, spare: [...blocks.freeRoom.spare] },
      model.roomBeside(references.keys()),
    );
  }

  #checkNames(): void {
    const { ledger, model, options, replayed } = this;
    for (const copy of model.copies) checkNamed(copy, options.pageSize);
    const prefixes = model.stored();
    assert.deepEqual(replayed, prefixes);
    const stored = ledger.tree.stored();
    assert.deepEqual(new Set(stored.map(prefixOfNode)), prefixes);
    assert.equal(stored.length, prefixes.size);
    stored.forEach(({ depth }, i) => assert.ok(i === 0 || stored[i - 1]!.depth <= depth));
  }
}

/** Returns the copies of a sequence from page `kept` on, last page first. */
function tailFrom({ copies }: ModelSequence, kept: number): (ModelCopy | undefined)[] {
  const tail: (ModelCopy | undefined)[] = [];
  for (let i = copies[0]!.length - 1; i >= kept; i--) for (const list of copies) tail.push(list[i]);
  return tail;
}

const handles = new WeakMap<SequenceState, KvSequence>();

/** Returns the public sequence of a state; its `pages` need no memory. */
function handleOf(ledger: Ledger, state: SequenceState): KvSequence {
  const handle = handles.get(state) ?? sequenceOf({ ledger } as CacheCore, state);
  handles.set(state, handle);
  return handle;
}

const saltOf = new Map(salts.map((salt) => [rootName(salt), salt]));

/** The rows of a named page are those of its tokens. */
function checkNamed({ prefix, rows }: ModelCopy, pageSize: number): void {
  if (prefix === undefined) return;
  const all = contents(pagesOf(prefix).join(',').split(','));
  const first = all.length - pageSize;
  for (const layer of rows) {
    for (let i = 0; i < pageSize; i++) assert.equal(layer[i], all[first + i]);
  }
}

function checkSequence(
  { model, ledger }: GroupedDouble,
  state: SequenceState,
  sequence: ModelSequence,
): void {
  const { pageSize } = model.options;
  const { tokens, counts, committed, copies } = sequence;
  assert.deepEqual([...state.counts], counts);
  assert.equal(state.committed, committed);
  assert.deepEqual(state.pending, tokens.slice(committed - (committed % pageSize), committed));
  copies.forEach((list, group) => {
    const { runs } = state.tables[group]!;
    runs.forEach(({ entries }, run) => {
      assert.deepEqual(
        [...entries],
        list.map((copy) => copy?.ids[run] ?? 0),
      );
    });
  });
  const told = copies[ledger.told]!.map((copy) => copy?.ids[0] ?? 0);
  assert.deepEqual(handleOf(ledger, state).pages, told);
  const all = contents(tokens);
  counts.forEach((count, layer) => {
    const { group, index } = model.layers[layer]!;
    for (let position = 0; position < count; position++) {
      const copy = copies[group]![Math.floor(position / pageSize)];
      const row = copy?.rows[index]![position % pageSize];
      if (copy) assert.equal(row, all[position]);
    }
  });
}

/** Returns all state that a call may change. */
function snapshot(ledger: Ledger): string {
  const { blocks } = ledger.pages;
  return JSON.stringify({
    sequences: [...ledger.open].map(({ node, tables, ...rest }) => ({
      ...rest,
      counts: [...rest.counts],
      node: prefixOfNode(node),
      tables: tables.map(({ runs, firstKept }) => [
        firstKept,
        ...runs.map((run) => [...run.entries]),
      ]),
    })),
    sets: [...setsOf(ledger)].map((set) => [
      idsOf(set),
      set.references,
      set.lastUsed,
      set.node && prefixOfNode(set.node),
    ]),
    room: blocks.room,
    free: blocks.freeRoom,
    cached: ledger.pages.cached,
    counters: ledger.counters,
  });
}

/** Returns the pages that hold something. */
function setsOf({ open, tree }: Ledger): Set<PageSet> {
  const sets = new Set<PageSet>();
  const add = (set: PageSet | undefined): void => void (set && sets.add(set));
  for (const { tables } of open) for (const table of tables) table.sets.forEach(add);
  for (const node of tree.nodes()) node.sets.forEach(add);
  return sets;
}

/** Returns the content of each position's row: all tokens up to it, on which its key depends. */
function contents(tokens: readonly (number | string)[]): string[] {
  let all = '';
  return tokens.map((token) => (all += `,${token}`));
}

function prefixOfNode(node: PrefixNode): string {
  const parts: string[] = [];
  let at = node;
  for (; at.parent; at = at.parent) parts.unshift(at.tokens.join());
  return [saltOf.get(at.name)!, ...parts].join('|');
}
