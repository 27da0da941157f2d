// Called millions of times, where vitest's matchers would take minutes.
import assert from 'node:assert/strict';
import type { CacheCore } from '../../../src/cache/cache-core.ts';
import type { PrefixNode } from '../../../src/pages/prefix-tree.ts';
import { rootName } from '../../../src/pages/page-name.ts';
import type { Ledger } from '../../../src/sequences/ledger.ts';
import { KvSequence } from '../../../src/cache/kv-sequence.ts';
import { lengthOf, type SequenceState } from '../../../src/sequences/sequence-state.ts';
import type { Double } from './double.ts';
import { type ModelSequence, type NaiveCache, pagesOf } from './naive-cache.ts';

export const salts = ['', 'other'] as const;

const handles = new WeakMap<SequenceState, KvSequence>();

/** What its user has of it: it tells its pages from its state alone. */
export function handleOf(state: SequenceState): KvSequence {
  const handle = handles.get(state) ?? new KvSequence({} as CacheCore, state);
  handles.set(state, handle);
  return handle;
}

const saltOf = new Map(salts.map((salt) => [rootName(salt), salt]));

/** Everything that must hold between two calls. */
export function checkAgreement(double: Double): void {
  const { ledger, model, options, replayed } = double;
  const { pages } = ledger;
  assert.deepEqual(pages.used + pages.cached + pages.blank, options.pages);
  assert.deepEqual(pages.cached, model.cached().length);
  assert.deepEqual(pages.blank, model.blank().length);
  model.referenceCounts().forEach((count, page) => {
    if (page === 0) return;
    const node = pages.node(page);
    assert.deepEqual(pages.references(page), count);
    assert.deepEqual(node && prefixOfNode(node), model.memory[page]!.prefix);
    checkNamed(model, page);
  });
  for (const [prefix, page] of double.stored.splice(0)) {
    assert.equal(model.memory[page]!.prefix, prefix);
  }
  const prefixes = new Set(model.memory.flatMap(({ prefix }) => prefix ?? []));
  assert.deepEqual(replayed, prefixes);
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
  counts.forEach((count, layer) => {
    for (let position = 0; position < count; position++) {
      const page = pages[Math.floor(position / pageSize)]!;
      if (page === 0) continue;
      const row = model.memory[page]!.rows[layer]![position % pageSize];
      assert.deepEqual(row, contentAt(sequence, position));
    }
  });
}

/** All that a call may change. */
export function snapshot({ open, pages }: Ledger): unknown {
  return structuredClone({
    sequences: [...open].map(({ node, table, ...rest }) => ({
      ...rest,
      node: prefixOfNode(node),
      entries: [...table.entries],
    })),
    pages: Array.from({ length: pages.pages + 1 }, (_, page) => [
      pages.references(page),
      pages.node(page) && prefixOfNode(pages.node(page)!),
    ]),
    blank: pages.blank,
    cached: pages.cached,
  });
}

/** What the row of a position holds: keys depend on all tokens up to theirs. */
export const contentAt = ({ tokens }: ModelSequence, position: number): string =>
  tokens.slice(0, position + 1).join();

export function prefixOfNode(node: PrefixNode): string {
  const parts: string[] = [];
  let at = node;
  for (; at.parent; at = at.parent) parts.unshift(at.tokens.join());
  return [saltOf.get(at.name)!, ...parts].join('|');
}
