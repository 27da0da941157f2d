import { varlenAttention } from '@heed/kernels-wgsl';
import { memoryStore } from '@heed/kvcache';
import { holds, sameBits } from '../../budget/output-checks.ts';
import { cumulative, normal } from '../../problems/build-problem.ts';
import { packedRows, Session } from '../../problems/cache-session.ts';
import { uploadArray } from '../../problems/case-tensors.ts';
import { collect } from '../../problems/launch-problem.ts';
import { filled } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { formats } from './cache-append-cases.ts';

const sharedShape = {
  layers: 2,
  kvHeads: 2,
  headDim: 7,
  headDimV: 10,
  pageSize: 4,
  pages: 24,
} as const;

const sharedTokens = Array.from({ length: 30 }, (_, i) => 100 + i);

/** Shared pages are copied before a write, found again by their tokens, and filled with NaN once they are free. */
const sharing = formats.flatMap((dtype) =>
  defineCase('cache-pages', `sharing/${dtype}-pages`, {
    dtypes: ['f32'],
    tags: ['browser'],
    run: (gpu) =>
      Session.with(gpu, { ...sharedShape, dtype, poison: true }, {}, async (session) => {
        const { cache } = session;
        const a = session.open();
        session.append([[a, 10]]);
        a.sequence.commit(sharedTokens.slice(0, 10));
        // The third page is only partly shared.
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
        const c = session.open(sharedTokens.slice(0, 9), a);
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
            .every((x) => Number.isNaN(x) || x === 0x7fc07fc0);
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

/** With a window, pages before it are released, and their entries refer to page 0, which holds zeros. */
const windows = [0, 3].flatMap((sinkTokens) =>
  formats.flatMap((dtype) =>
    defineCase('cache-pages', `window/sinks-${sinkTokens}/${dtype}-pages`, {
      dtypes: ['f32'],
      tier: dtype === 'f32' || dtype === 'int4' ? 'quick' : 'full',
      run: (gpu) => {
        const own = { pageSize: 2, window: 5, sinkTokens, dtype, poison: true };
        return Session.with(gpu, { ...sharedShape, ...own }, {}, async (session) => {
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

const pageCases: readonly RunnableCase[] = [...sharing, ...windows];

const storedShape = { layers: 2, kvHeads: 3, headDim: 7, headDimV: 5, pageSize: 3 } as const;

const storedTokens = Array.from({ length: 14 }, (_, i) => i);

/** Saved pages are found by another cache of the same geometry, which also has other pages. */
const storeCases: readonly RunnableCase[] = formats.flatMap((dtype) =>
  defineCase('cache-stores', `${dtype}-pages`, {
    dtypes: ['f32'],
    tags: ['browser'],
    run: async (gpu) => {
      const store = memoryStore();
      return Session.with(
        gpu,
        { ...storedShape, pages: 12, dtype, poison: true },
        {},
        async (first) => {
          const a = first.open();
          first.append([[a, 13]]);
          a.sequence.commit(storedTokens.slice(0, 13));
          const { saved } = await first.cache.save(store);
          const spec = { ...storedShape, pages: 9, dtype, poison: true };
          return Session.with(gpu, spec, {}, async (second) => {
            const other = second.open();
            second.append([[other, 4]]);
            const { loaded, refused } = await second.cache.load(store);
            const b = second.open(storedTokens, a);
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
        },
      );
    },
  }),
);

const [kvHeads, headDim] = [2, 64];

/** Packs the rows of sequences. */
/** Attention over a view after a fork, a truncation and decode steps, against float64 over the appended rows. */
const attentionCases: readonly RunnableCase[] = defineCase('cache-attention', 'served', {
  tags: ['browser'],
  run: (gpu, dtype: FloatDType) =>
    Session.with(
      gpu,
      { layers: 1, kvHeads, headDim, pageSize: 16, pages: 20, dtype, poison: true },
      { rows: dtype },
      async (session) => {
        const a = session.open();
        session.append([[a, 40]]);
        const b = session.fork(a);
        session.truncate(b, 21);
        const list = [a, b];
        const checks = [];
        for (const counts of [
          [1, 3],
          [1, 1],
        ] as const) {
          session.append([
            [a, counts[0]],
            [b, counts[1]],
          ]);
          const view = session.cache.view(
            0,
            list.map(({ sequence }) => sequence),
          );
          const problem: ReferenceProblem = {
            q: normal([counts[0] + counts[1], 4, headDim], random(counts[1]), dtype),
            k: packedRows('k', list),
            v: packedRows('v', list),
            cuSeqlensQ: cumulative(counts),
            cuSeqlensK: cumulative(list.map(({ rows }) => rows[0]!.length)),
            options: { causal: true },
          };
          const q = uploadArray(session.scope, problem.q, dtype);
          const { cuSeqlensQ } = view;
          const options = { cuSeqlensQ, causal: true, returnLse: true };
          const got = await collect(session.scope, varlenAttention(q, view, options));
          checks.push(...isRight(`${counts.join(' and ')} new rows`, got, problem, dtype));
        }
        return checks;
      },
    ),
});

/** Cases of the pages of a cache: sharing, windows, stores, attention. */
export const cachePageCases: readonly RunnableCase[] = [
  ...pageCases,
  ...storeCases,
  ...attentionCases,
];
