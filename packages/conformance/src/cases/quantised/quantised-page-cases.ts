import { normal, type PagedSpec } from '../../problems/build-problem.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { QuantFormat } from '../../reference/stored-rows.ts';
import type { RunnableCase } from '../shared/case.ts';
import { poisons } from '../shared/named-problems.ts';
import { formats, inPages, integerCase, rowKinds, type Rows } from './quantised-case.ts';

const group = 'quantised-pages';
// Lengths on both sides of tile and page sizes, from one row to full pages.
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

/** Every page size and order of pages, used lengths at the edges of pages and tiles, and each kind of poison behind them. */
const pageCases: readonly RunnableCase[] = formats.flatMap((format) =>
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

const sinks = normal([4], random(7), 'f32');
const alibiSlopes = normal([4], random(8), 'f32', 0.1);

/** Options that are data of a call, and share the kernel of a call without options. */
const plain: Readonly<Record<string, ReferenceOptions>> = {
  full: {},
  'window-20-3': { window: [20, 3] },
  'causal-start': { causal: true, align: 'start' },
  sinks: { sinks, causal: true },
  scale: { scale: 0.3 },
};

/** Options that compile their own kernel. */
const softened: Readonly<Record<string, ReferenceOptions>> = {
  'softcap-alibi': { softcap: 2, alibiSlopes },
  'softcap-alibi-window-sinks': { softcap: 0.7, alibiSlopes, window: [30, 0], sinks },
};

const lengths = { used: [70, 1, 50, 40, 9], pageSize: 16 } as const;

const optionCases: readonly RunnableCase[] = formats.flatMap((format) => [
  ...(['prefill', 'decode'] as const).flatMap((rows) => {
    const { numSplits, qLens } = rowKinds[rows];
    return integerCase(
      'quantised-options',
      `${format}/${rows}/data`,
      (dtype) =>
        Object.fromEntries(
          Object.entries(plain).map(([name, options]) => [
            name,
            inPages({ dtype, ...lengths, qLens, options }, format),
          ]),
        ),
      { numSplits },
    );
  }),
  ...integerCase(
    'quantised-options',
    `${format}/softcap-alibi`,
    (dtype) =>
      Object.fromEntries(
        Object.entries(softened).map(([name, options]) => [
          name,
          inPages({ dtype, dim: 16, ...lengths, qLens: rowKinds.decode.qLens, options }, format),
        ]),
      ),
    { numSplits: 2 },
    { f16Tier: 'full' },
  ),
]);

/** Head dims that do and do not fill the last word. Each compiles its own kernel, so the quick tier runs each once. */
const dims: readonly (readonly [dim: number, dimV: number, format: QuantFormat, rows: Rows])[] = [
  [1, 1, 'int8', 'decode'],
  [7, 7, 'int4', 'prefill'],
  [32, 32, 'int4', 'decode'],
  [64, 32, 'int8', 'decode'],
  [80, 80, 'int8', 'prefill'],
  [17, 40, 'int4', 'decode'],
  [128, 128, 'int4', 'decode'],
  [129, 129, 'int8', 'decode'],
  [256, 256, 'int4', 'decode'],
];

// Their kernels are like those of shorter rows, which the quick tier runs.
const longDims = [
  [257, 257],
  [320, 320],
  [511, 511],
  [512, 512],
  [513, 513],
  [576, 576],
  [576, 512],
] as const;

const headDimCases: readonly RunnableCase[] = [...dims, ...longDims].flatMap(
  ([dim, dimV, quickFormat, quickRows]) =>
    formats.flatMap((format) =>
      (['prefill', 'decode'] as const).flatMap((rows) => {
        const { numSplits, qLens } = rowKinds[rows];
        const isQuick = format === quickFormat && rows === quickRows;
        return integerCase(
          'quantised-head-dims',
          `${format}/${rows}-${dim}${dim === dimV ? '' : `x${dimV}`}`,
          (dtype) => ({
            pages: inPages(
              { dtype, dim, dimV, qLens, used: [70, 33, 100, 5, 1], pageSize: 7 },
              format,
            ),
          }),
          { numSplits },
          { tier: isQuick ? 'quick' : 'full', f16Tier: isQuick && dim === 17 ? 'quick' : 'full' },
        );
      }),
    ),
);

/** Cases of quantised pages: page sizes, options, head dims. */
export const quantisedPageCases: readonly RunnableCase[] = [
  ...pageCases,
  ...optionCases,
  ...headDimCases,
];
