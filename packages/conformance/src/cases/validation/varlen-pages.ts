import type { DType } from '@heed/core';
import { type Bench, boundaryOf, type Rule } from './rule.ts';
import { paged } from './varlen-control.ts';

const boundary = boundaryOf('varlenAttention');

type List = readonly number[];

const inFormat = (b: Bench, format: string) => paged(b, { format });
const table = (b: Bench, entries: List) => paged(b, { blockTable: Int32Array.from(entries) });
const used = (b: Bench, lengths: List) => paged(b, { seqUsedK: Int32Array.from(lengths) });
const withUsed = (b: Bench, how: string) =>
  paged(b, how === 'given' ? {} : { seqUsedK: undefined });
const poolShape = (b: Bench, shape: List) =>
  paged(b, { seqUsedK: Int32Array.of(0, 0) }, { k: shape });
const ofShape = (b: Bench, shape: List) =>
  paged(b, { blockTable: b.integers([0, 5, 2, 1], shape) });
const ofType = (b: Bench, dtype: DType) =>
  paged(b, { blockTable: b.integers([0, 5, 2, 1], [2, 2], dtype) });

// Pages 0 to 5 exist. Sequence 0 uses both its entries, sequence 1 only its first.
const pageIds = {
  accepts: [
    [0, 5, 2, -1],
    [5, 0, 5, 99],
  ],
  rejects: [
    [0, 6, 2, -1],
    [-1, 5, 2, -1],
    [0, 5, -1, -1],
  ],
} as const;

/** The rules of `varlenAttention` about block tables. */
export const varlenPageRules: readonly Rule[] = [
  boundary('table-needs-used', /seqUsedK/, withUsed, ['given'], ['missing']),
  boundary(
    'table-k-rank',
    /\bk\b/,
    poolShape,
    [[6, 4, 2, 64]],
    [
      [24, 2, 64],
      [1, 6, 4, 2, 64],
    ],
  ),
  boundary('table-page-size', /page/i, poolShape, [[6, 1, 2, 64]], [[6, 0, 2, 64]]),
  boundary('table-page-id', /blockTable/, table, pageIds.accepts, pageIds.rejects),
  boundary(
    'table-length',
    /blockTable/,
    table,
    [[0, 5, 2, -1]],
    [
      [0, 5, 2],
      [0, 5, 2, -1, 3],
    ],
  ),
  boundary(
    'table-capacity',
    /seqUsedK|blockTable/,
    used,
    [
      [8, 3],
      [0, 4],
    ],
    [
      [9, 3],
      [-1, 3],
    ],
  ),
  boundary('table-too-short', /seqUsedK|blockTable/, table, [[0, 5, 2, -1]], [[0, 5], []]),
  boundary('format', /format/, inFormat, ['f32'], ['f16', 'int3', '']),
  boundary('table-tensor-shape', /blockTable/, ofShape, [[2, 2]], [[4], [4, 1], [1, 4]]),
  boundary('table-tensor-dtype', /blockTable/, ofType, ['i32'], ['f32', 'f16']),
];
