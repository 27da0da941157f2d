import type { QuantFormat } from '../../reference/stored-rows.ts';
import type { Case } from '../case.ts';
import { formats, inPages, integerCase, type Rows, rowKinds } from './problem-cases.ts';

/** Dims whose rows end with a whole word and within one; each is a kernel of its own, so the quick tier has each once. */
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

export const headDimCases: readonly Case[] = dims.flatMap(([dim, dimV, quickFormat, quickRows]) =>
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
