import type { PagedSpec } from '../../problems/build-problem.ts';
import type { Case } from '../case.ts';
import { poisons } from '../lists.ts';
import { formats, inPages, integerCase, type Rows, rowKinds } from './problem-cases.ts';

const group = 'quantised-pages';
// Either side of the sizes of tiles and pages, an empty cache and a full one.
const used = [100, 1, 129, 7, 64] as const;
const pageSizes = [1, 3, 16, 100] as const;
const orders = ['permuted', 'shared'] as const;

const spec = (rows: Rows, change: Partial<PagedSpec>): Omit<PagedSpec, 'dtype'> => ({
  heads: [8, 2],
  qLens: rowKinds[rows].qLens,
  used,
  pageSize: 16,
  options: { causal: rows === 'prefill' },
  ...change,
});

/** Any page size, owners in any order, used lengths at the edges of pages and tiles, each kind of rubbish behind them. */
export const pageCases: readonly Case[] = formats.flatMap((format) =>
  (['prefill', 'decode'] as const).flatMap((rows) => {
    const { numSplits } = rowKinds[rows];
    const tags = ['browser'];
    return [
      ...integerCase(
        group,
        `${format}/${rows}/page-sizes`,
        (dtype) =>
          Object.fromEntries(
            pageSizes.flatMap((pageSize) =>
              orders.map((pages) => [
                `page-${pageSize} ${pages}`,
                inPages({ dtype, ...spec(rows, { pageSize, pages }) }, format),
              ]),
            ),
          ),
        { numSplits },
        { tags },
      ),
      ...integerCase(
        group,
        `${format}/${rows}/unused-rows`,
        (dtype) =>
          Object.fromEntries(
            Object.entries(poisons).flatMap(([name, poison]) =>
              [used, [0, 33, 15, 16, 17]].map((lengths) => [
                `${name} lens-${lengths.join('-')}`,
                inPages({ dtype, ...spec(rows, { used: lengths }) }, format, poison(dtype)),
              ]),
            ),
          ),
        { numSplits, gpuLengths: true },
      ),
    ];
  }),
);
