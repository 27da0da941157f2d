import { lru } from '../../../src/pages/eviction.ts';
import type { PrefixNode } from '../../../src/pages/prefix-tree.ts';
import { Ledger, type LedgerOptions } from '../../../src/sequences/ledger.ts';
import type { PageMoves } from '../../../src/sequences/reservation.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';

/** A ledger of pages of 4 tokens, and what it said. */
export interface SmallLedger {
  readonly ledger: Ledger;
  readonly events: { kind: 'stored' | 'removed'; node: PrefixNode }[];
}

export function smallLedger(options: Partial<LedgerOptions> = {}): SmallLedger {
  const events: SmallLedger['events'] = [];
  const defaults = { layers: 2, pageSize: 4, pages: 10, eviction: lru };
  const ledger = new Ledger(
    { ...defaults, ...options },
    {
      stored: (node) => events.push({ kind: 'stored', node }),
      removed: (node) => events.push({ kind: 'removed', node }),
    },
  );
  return { ledger, events };
}

/** `count` tokens from `first` on. */
export const tokensFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/** Appends tokens to all layers. */
export function extend(ledger: Ledger, state: SequenceState, count: number): PageMoves {
  const rows = Int32Array.of(count);
  const { moves } = ledger.append('append', 0, [state], rows);
  for (let layer = 1; layer < state.counts.length; layer++) {
    ledger.append('append', layer, [state], rows);
  }
  return moves;
}

/** A sequence with all of these tokens, committed. */
export function written(ledger: Ledger, tokens: readonly number[], salt = ''): SequenceState {
  const state = ledger.openSequence(tokens, salt, 0);
  extend(ledger, state, tokens.length - state.cachedTokens);
  ledger.commit('commit', state, tokens.slice(state.cachedTokens));
  return state;
}

/** Opens for tokens, closes, and tells how many were found. */
export function hit(ledger: Ledger, tokens: readonly number[], salt = ''): number {
  const state = ledger.openSequence(tokens, salt, 0);
  ledger.close(state);
  return state.cachedTokens;
}

export const entries = (state: SequenceState): number[] => [...state.table.entries];
