import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import { lru } from '../../../src/pages/eviction.ts';
import { rootName } from '../../../src/pages/page-name.ts';
import type { PageSet, PrefixNode } from '../../../src/pages/prefix-node.ts';
import { Ledger, type PageHold } from '../../../src/sequences/ledger.ts';
import { ledgerOptions, pageCounts } from './plain-ledger.ts';

type Op = { readonly op: 'write' | 'load' | 'close' | 'end' | 'clear'; readonly at: number };

const anyOps = fc.array(
  fc.record({
    op: fc.constantFrom<Op['op']>('write', 'write', 'load', 'load', 'close', 'end', 'end', 'clear'),
    at: fc.nat({ max: 1000 }),
  }),
  { minLength: 60, maxLength: 60 },
);

const pageCount = 9;

/** A ledger and the holds of loads. */
class Loads {
  readonly told = new Set<PrefixNode>();
  readonly ledger = new Ledger(
    ledgerOptions({ layers: 1, pageSize: 1, pages: pageCount, eviction: lru }),
    {
      stored: (node) => this.told.add(node),
      removed: (node) => this.told.delete(node),
    },
  );
  readonly held = new Map<PageHold, PrefixNode[]>();

  run({ op, at }: Op): void {
    const { ledger } = this;
    const open = [...ledger.open];
    const holds = [...ledger.holds];
    if (op === 'write') this.#write(at);
    if (op === 'load') this.#load(at);
    if (op === 'close' && open.length > 0) ledger.close(open[at % open.length]!);
    if (op === 'end' && holds.length > 0) ledger.letGo(holds[at % holds.length]!);
    if (op === 'clear' && open.length === 0) {
      ledger.clear();
      this.told.clear();
    }
    for (const hold of this.held.keys()) if (!ledger.holds.has(hold)) this.held.delete(hold);
  }

  #write(at: number): void {
    const tokens = tokensOf(at);
    const state = this.ledger.openSequence(tokens, '', 0);
    const count = tokens.length - state.cachedTokens;
    if (this.ledger.canAppend([state], [count])) {
      this.ledger.append('write', 0, [state], Int32Array.of(count));
      this.ledger.commit('write', state, tokens.slice(state.cachedTokens));
    } else {
      this.ledger.close(state);
    }
  }

  /** As a load does: holds what the prefix has, and takes pages for the rest. */
  #load(at: number): void {
    const { tree } = this.ledger;
    const hold = this.ledger.hold();
    const nodes: PrefixNode[] = [];
    let node = tree.root(rootName());
    for (const token of tokensOf(at)) nodes.push((node = tree.insert(node, [token], 0)));
    const there = nodes.filter((one) => one.has(0));
    for (const one of there) this.ledger.keep(hold, one, 0);
    const missing = nodes.slice(there.length);
    const pages = this.ledger.adopt(missing, 0, hold).map((set) => set.pages[0]!);
    assert.ok(pages.every((page, i) => i === 0 || page > pages[i - 1]!));
    this.held.set(hold, [...there, ...missing.slice(0, pages.length)]);
    tree.prune(node);
  }

  check(): void {
    const { open, holds, tree } = this.ledger;
    const references = new Map<PageSet, number>();
    const count = (set: PageSet | undefined): void =>
      void (set && references.set(set, (references.get(set) ?? 0) + 1));
    for (const { tables } of open) for (const set of tables[0]!.sets) count(set);
    for (const hold of holds) for (const set of hold) count(set);
    for (const [set, own] of references) assert.equal(set.references, own);
    for (const node of tree.nodes()) {
      for (const set of node.sets) assert.equal(set.references, references.get(set) ?? 0);
    }
    const [used, cached, free] = pageCounts(this.ledger);
    assert.equal(used + cached + free, pageCount);
    assert.equal(used, references.size);
    assert.deepEqual(new Set(tree.stored()), this.told);
    for (const nodes of this.held.values()) assert.ok(nodes.every((node) => this.told.has(node)));
  }
}

/** Prefixes that share their first pages. */
const tokensOf = (at: number): number[] =>
  Array.from({ length: 1 + (at % 5) }, (_, i) => (i < 2 ? 0 : (at >> i) & 1));

it('holds keep their pages, whatever else happens, and every reference is counted', () => {
  const property = fc.property(anyOps, (ops) => {
    const loads = new Loads();
    for (const op of ops) {
      loads.run(op);
      loads.check();
    }
  });
  expect(() => fc.assert(property, { numRuns: 200 })).not.toThrow();
});
