// Not vitest's matchers: millions of their calls would take minutes.
import assert from 'node:assert/strict';
import type { CacheCore } from '../../../src/cache/cache-core.ts';
import { type KvSequence, sequenceOf } from '../../../src/cache/kv-sequence.ts';
import { rootName } from '../../../src/pages/page-name.ts';
import type { PageSet, PrefixNode } from '../../../src/pages/prefix-node.ts';
import type { Ledger } from '../../../src/sequences/ledger.ts';
import { positionAt } from '../../../src/sequences/row-positions.ts';
import { lengthOf, type SequenceState } from '../../../src/sequences/sequence-state.ts';
import { type ModelSequence, type NaiveCache, pagesOf } from './naive-cache.ts';
import { pageCounts, type PlainOptions } from './plain-ledger.ts';

/** A ledger, its model, and what its events told. */
interface Compared {
  readonly ledger: Ledger;
  readonly model: NaiveCache;
  readonly options: PlainOptions;
  readonly replayed: ReadonlySet<string>;
  readonly stored: [prefix: string, page: number][];
  modelOf(state: SequenceState): ModelSequence;
}

export const salts = ['', 'other'] as const;

const handles = new WeakMap<SequenceState, KvSequence>();

/** Returns the public sequence of a state; its `pages` need no cache. */
export function handleOf(state: SequenceState): KvSequence {
  const handle = handles.get(state) ?? sequenceOf({ ledger: { told: 0 } } as CacheCore, state);
  handles.set(state, handle);
  return handle;
}

const saltOf = new Map(salts.map((salt) => [rootName(salt), salt]));

/** Everything that must hold between two calls. */
export function checkAgreement(double: Compared): void {
  const { ledger, model, options, replayed } = double;
  const [used, cached, free] = pageCounts(ledger);
  assert.deepEqual(used + cached + free, options.pages);
  assert.deepEqual(cached, model.cached().length);
  assert.deepEqual(free, model.free().length);
  const sets = setsOf(ledger);
  model.referenceCounts().forEach((count, page) => {
    if (page === 0) return;
    const set = sets.get(page);
    assert.deepEqual(set?.references ?? 0, count);
    assert.deepEqual(set?.node && prefixOfNode(set.node), model.memory[page]!.prefix);
    checkNamed(model, page);
  });
  for (const [prefix, page] of double.stored.splice(0)) {
    assert.equal(model.memory[page]!.prefix, prefix);
  }
  const prefixes = new Set(model.memory.flatMap(({ prefix }) => prefix ?? []));
  assert.deepEqual(replayed, prefixes);
  const named = ledger.tree.stored();
  assert.equal(named.length, prefixes.size);
  named.forEach(({ depth, sets: [set] }, i) => {
    assert.ok(i === 0 || named[i - 1]!.depth <= depth);
    assert.equal(model.memory[set!.pages[0]!]!.prefix, prefixOfNode(named[i]!));
  });
  for (const state of ledger.open) checkSequence(model, state, double.modelOf(state));
  assert.deepEqual(ledger.open.size, model.sequences.size);
}

function checkNamed({ memory, options }: NaiveCache, page: number): void {
  const { prefix, rows } = memory[page]!;
  if (prefix === undefined) return;
  const tokens = pagesOf(prefix).flatMap((part) => part.split(','));
  const first = tokens.length - options.pageSize;
  for (const layer of rows) {
    for (let i = 0; i < options.pageSize; i++) {
      assert.deepEqual(layer[i], tokens.slice(0, first + i + 1).join());
    }
  }
}

function checkSequence(model: NaiveCache, state: SequenceState, sequence: ModelSequence): void {
  const { pageSize } = model.options;
  const { tokens, counts, committed, pages } = sequence;
  assert.deepEqual(handleOf(state).pages, pages);
  assert.deepEqual([...state.counts], counts);
  assert.deepEqual(lengthOf(state), Math.min(...counts));
  assert.deepEqual(state.committed, committed);
  assert.deepEqual(state.pending, tokens.slice(committed - (committed % pageSize), committed));
  assert.deepEqual(state.isPrivate, sequence.isPrivate);
  assert.deepEqual(
    [...tokens, 0].map((_, i) => positionAt(state.positions, i)),
    [...sequence.positions, sequence.nextPosition],
  );
  counts.forEach((count, layer) => {
    for (let position = 0; position < count; position++) {
      const page = pages[Math.floor(position / pageSize)]!;
      if (page === 0) continue;
      const row = model.memory[page]!.rows[layer]![position % pageSize];
      assert.deepEqual(row, sequence.rows[position]);
    }
  });
}

/** Returns all state that a call may change. */
export function snapshot(ledger: Ledger): unknown {
  const sets = [...setsOf(ledger)].map(([page, { references, node }]) => [
    page,
    references,
    node && prefixOfNode(node),
  ]);
  return structuredClone({
    sequences: [...ledger.open].map(({ node, tables, ...rest }) => ({
      ...rest,
      node: prefixOfNode(node),
      entries: [...tables[0]!.runs[0]!.entries],
      firstKept: tables[0]!.firstKept,
    })),
    sets,
    counts: pageCounts(ledger),
    cached: ledger.pages.cached,
  });
}

/** Returns the pages that hold something. */
function setsOf({ open, tree }: Ledger): Map<number, PageSet> {
  const sets = new Map<number, PageSet>();
  const add = (set: PageSet | undefined): void => void (set && sets.set(set.pages[0]!, set));
  for (const { tables } of open) tables[0]!.sets.forEach(add);
  for (const node of tree.nodes()) node.sets.forEach(add);
  return sets;
}

export function prefixOfNode(node: PrefixNode): string {
  const parts: string[] = [];
  let at = node;
  for (; at.parent; at = at.parent) parts.unshift(at.tokens.join());
  return [saltOf.get(at.name)!, ...parts].join('|');
}
