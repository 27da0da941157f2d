import { holds, sameBits } from '../../budget/output-checks.ts';
import { Session } from '../../problems/cache-session.ts';
import { filled } from '../../reference/nd-array.ts';
import { type Case, defineCase } from '../case.ts';
import { formats } from './formats.ts';

const shape = { layers: 2, kvHeads: 2, headDim: 7, headDimV: 10, pageSize: 4, pages: 24 } as const;

const tokens = Array.from({ length: 30 }, (_, i) => 100 + i);

/** Pages that sequences share: copied before one of them writes, found again by their tokens, and NaN once nobody has them. */
const sharing = formats.flatMap((dtype) =>
  defineCase('cache-pages', `sharing/${dtype}-pages`, {
    dtypes: ['f32'],
    tags: ['browser'],
    run: (gpu) =>
      Session.with(gpu, { ...shape, dtype, poison: true }, {}, async (session) => {
        const { cache } = session;
        const a = session.open();
        session.append([[a, 10]]);
        a.sequence.commit(tokens.slice(0, 10));
        // The third page is shared in part.
        const b = session.fork(a);
        gpu.batch(() => {
          session.append([
            [a, 3],
            [b, 2],
          ]);
        });
        const checks = await session.rowsAreRight('after a fork', [a, b]);
        session.truncate(b, 5);
        session.append([[b, 4]]);
        const c = session.open(tokens.slice(0, 9), a);
        session.append([[c, 5]]);
        checks.push(
          holds('found', c.sequence.cachedTokens === 8, `${c.sequence.cachedTokens} tokens, not 8`),
          ...(await session.rowsAreRight('after a truncation and a hit', [c, b, a])),
          holds('copies', cache.stats().copies >= 2, `${cache.stats().copies} pages were copied`),
        );
        a.sequence.close();
        c.sequence.close();
        session.append([[b, 1]]);
        checks.push(...(await session.rowsAreRight('after the others closed', [b])));
        const view = cache.view(0, [b.sequence]);
        const { free } = cache.stats();
        const [pool, table] = [await view.k.read(), await view.blockTable.read()];
        const size = pool.length / view.k.shape[0]!;
        const isBlank = (page: number): boolean =>
          pool
            .subarray(page * size, (page + 1) * size)
            .every((x) => Number.isNaN(x) || x === 0x7fc00000);
        let blank = 0;
        for (let page = 1; page < view.k.shape[0]!; page++) if (isBlank(page)) blank++;
        checks.push(
          holds('blank pages', blank >= free, `${blank} of ${free} free pages hold NaN`),
          holds('own pages', !isBlank(table[0]!), 'a page in use holds NaN'),
        );
        return checks;
      }),
  }),
);

/** With a window, pages out of sight are let go, and their entries name page 0, which holds zeros. */
const windows = [0, 3].flatMap((sinkTokens) =>
  formats.flatMap((dtype) =>
    defineCase('cache-pages', `window/sinks-${sinkTokens}/${dtype}-pages`, {
      dtypes: ['f32'],
      tier: dtype === 'f32' || dtype === 'int4' ? 'quick' : 'full',
      run: (gpu) => {
        const own = { pageSize: 2, window: 5, sinkTokens, dtype, poison: true };
        return Session.with(gpu, { ...shape, ...own }, {}, async (session) => {
          const [a, b] = [session.open(), session.open()];
          session.append([
            [a, 11],
            [b, 3],
          ]);
          for (let step = 0; step < 6; step++) {
            session.append([
              [a, 1 + (step % 2)],
              [b, 2],
            ]);
          }
          const checks = await session.rowsAreRight('rows', [a, b]);
          const view = session.cache.view(1, [a.sequence]);
          const [v, table] = [await view.v.read(), await view.blockTable.read()];
          const used = table.subarray(0, Math.ceil(a.sequence.length / 2));
          const released = used.filter((page) => page === 0).length;
          const least = Math.floor((a.sequence.length - 5 - 2) / 2) - Math.ceil(sinkTokens / 2);
          const page0 = Float64Array.from(v.subarray(0, v.length / view.v.shape[0]!));
          const size = [page0.length];
          return [
            ...checks,
            holds('released', released >= least, `${released} pages, not ${least}`),
            sameBits('page 0', { shape: size, data: page0 }, filled(size, 0)),
          ];
        });
      },
    }),
  ),
);

export const pageCases: readonly Case[] = [...sharing, ...windows];
