import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pagesAtOnce } from '../../../src/pages/page-window.ts';
import { extend, smallLedger } from './small-ledger.ts';

const rules = fc.record({
  window: fc.option(fc.nat({ max: 14 }), { nil: undefined }),
  sinkTokens: fc.nat({ max: 9 }),
  tokens: fc.nat({ max: 60 }),
});

it('a sequence that can ever fit does, and one that cannot is short of a page', () => {
  fc.assert(
    fc.property(rules, ({ window, sinkTokens, tokens }) => {
      const rule = window === undefined ? undefined : { pageSize: 4, window, sinkTokens };
      const pages = pagesAtOnce(4, rule, tokens);
      const fill = (count: number): number => {
        const { ledger } = smallLedger({ layers: 1, pages: count, window, sinkTokens });
        expect(ledger.canEverFit(tokens)).toBe(count >= pages);
        const state = ledger.openSequence([], '', 0);
        let length = 0;
        while (length < tokens && ledger.canAppend([state], [1])) {
          extend(ledger, state, 1);
          length++;
        }
        if (length < tokens) expect(() => extend(ledger, state, 1)).toThrow('these tokens need');
        return length;
      };
      expect(fill(Math.max(1, pages))).toBe(tokens);
      if (pages > 1) expect(fill(pages - 1)).toBeLessThan(tokens);
    }),
    { numRuns: 300 },
  );
});
