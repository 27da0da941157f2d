import { memoryStore } from '@heed/kvcache';
import { holds } from '../../budget/output-checks.ts';
import { Session } from '../../problems/cache-session.ts';
import { type Case, defineCase } from '../case.ts';
import { formats } from './formats.ts';

const shape = { layers: 2, kvHeads: 3, headDim: 7, headDimV: 5, pageSize: 3 } as const;

const tokens = Array.from({ length: 14 }, (_, i) => i);

/** Pages that were saved are found by another cache of the geometry, among pages of its own. */
export const storeCases: readonly Case[] = formats.flatMap((dtype) =>
  defineCase('cache-stores', `${dtype}-pages`, {
    dtypes: ['f32'],
    tags: ['browser'],
    run: async (gpu) => {
      const store = memoryStore();
      return Session.with(gpu, { ...shape, pages: 12, dtype, poison: true }, {}, async (first) => {
        const a = first.open();
        first.append([[a, 13]]);
        a.sequence.commit(tokens.slice(0, 13));
        const { saved } = await first.cache.save(store);
        const spec = { ...shape, pages: 9, dtype, poison: true };
        return Session.with(gpu, spec, {}, async (second) => {
          const other = second.open();
          second.append([[other, 4]]);
          const { loaded, refused } = await second.cache.load(store);
          const b = second.open(tokens, a);
          second.append([[b, 3]]);
          const { cachedTokens } = b.sequence;
          return [
            holds('saved', saved === 4, `${saved} pages, not 4`),
            holds('loaded', loaded === 4, `${loaded} pages: ${refused[0]?.reason}`),
            holds('found', cachedTokens === 12, `${cachedTokens} tokens, not 12`),
            ...(await second.rowsAreRight('loaded rows', [other, b])),
            ...(await first.rowsAreRight('saved rows', [a])),
          ];
        });
      });
    },
  }),
);
