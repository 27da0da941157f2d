import { ValidationError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { fairShare } from '../../../src/pages/eviction.ts';
import { Ledger } from '../../../src/sequences/ledger.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import { ledgerOptions } from '../ledger/plain-ledger.ts';

/** Pages of one token and 64 bytes. */
const ledgerWith = (pages: number, share: number): Ledger =>
  new Ledger(ledgerOptions({ layers: 1, pageSize: 1, pages, eviction: fairShare(share) }), {
    stored: () => {},
    removed: () => {},
  });

function write(ledger: Ledger, tokens: readonly number[], salt: string): SequenceState {
  const state = ledger.openSequence(tokens, salt, 0);
  const news = tokens.slice(state.cachedTokens);
  ledger.append('write', 0, [state], Int32Array.of(news.length));
  ledger.commit('write', state, news);
  return state;
}

/** Returns how many of three pages each tenant has left. */
const left = (ledger: Ledger, ...salts: string[]): number[] =>
  salts.map((salt) => {
    const state = ledger.openSequence([0, 1, 2, 3], salt, 0);
    ledger.close(state);
    return state.cachedTokens;
  });

describe('fairShare', () => {
  it('takes the pages of the salt that holds most beyond its share, and of the others by age', () => {
    const ledger = ledgerWith(9, 2 * 64);
    ledger.close(write(ledger, [0, 1], 'small'));
    ledger.close(write(ledger, [0, 1, 2], 'middle'));
    ledger.close(write(ledger, [0, 1, 2, 3], 'large'));
    expect(left(ledger, 'small', 'middle')).toEqual([2, 3]);
    write(ledger, [7], 'new'); // the oldest page is of the small one
    expect(left(ledger, 'small', 'middle', 'large')).toEqual([2, 3, 3]);
    write(ledger, [7], 'other');
    write(ledger, [7], 'third');
    expect(left(ledger, 'small', 'middle', 'large')).toEqual([2, 2, 2]);
    write(ledger, [7], 'fourth'); // nobody is over: the oldest leaf
    expect(left(ledger, 'middle', 'large', 'small')).toEqual([2, 2, 1]);
  });

  it('counts pages in use, and leaves them alone', () => {
    const ledger = ledgerWith(6, 2 * 64);
    ledger.close(write(ledger, [0, 1], 'idle'));
    const busy = write(ledger, [0, 1, 2], 'busy');
    ledger.close(write(ledger, [5], 'busy'));
    write(ledger, [7], 'new');
    expect(busy.tables[0]!.length).toBe(3);
    expect(left(ledger, 'idle')).toEqual([2]);
  });

  it('refuses a share that is no number', () => {
    for (const share of [-1, Number.NaN, 'a' as never]) {
      expect(() => fairShare(share)).toThrow(ValidationError);
    }
  });
});
