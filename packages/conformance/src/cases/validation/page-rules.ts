import type { DType } from '@heed/core';
import { flexAttentionVjp } from '@heed/flex';
import { type AttentionProblem, planAttention, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { type Bench, type Boundary, boundaryOf, type Rule } from './api-rule.ts';
import { dense } from './dense-rules.ts';
import { inInt8, packed, paged, q, words } from './varlen-rules.ts';

const boundary: Boundary = boundaryOf('varlenAttention');

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

// Pages 0 to 5 exist. Sequence 0 uses both of its entries, sequence 1 only the first.
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
const varlenPageRules: readonly Rule[] = [
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

type Types = readonly [k: DType, v: DType];

const option = (name: string) => (b: Bench, value: unknown) => inInt8(b, { [name]: value });
const ofTypes = (b: Bench, types: Types) => inInt8(b, {}, { types });
const keyShape = (b: Bench, k: List) => inInt8(b, {}, { k, v: words });
const valueShape = (b: Bench, v: List) => inInt8(b, {}, { v });
const valueDim = (b: Bench, [dim, last]: List) =>
  inInt8(b, { headDimV: dim }, { v: [6, 4, 2, last!] });
const asInt4 = (b: Bench, last: number) =>
  inInt8(b, { format: 'int4' }, { k: [6, 4, 2, last], v: [6, 4, 2, last] });
const withoutFormat = (b: Bench, types: Types) =>
  inInt8(b, { format: undefined, headDim: undefined, headDimV: undefined }, { types });
const notPaged = (b: Bench, format: string) => packed(b, { format });

const problem = { layout: 'paged', format: 'int8', headDim: 64, headDimV: 64, q, k: words };
const plan = (b: Bench, change: object) =>
  b.scope.own(planAttention(b.scope.gpu, { ...problem, ...change } as AttentionProblem));
const planField = (name: keyof AttentionProblem) => (b: Bench, value: unknown) =>
  plan(b, { [name]: value });
const planBoundary = boundaryOf('planAttention');

/** The rules of quantised pages, for calls, gradients and plans. */
const quantisedPageRules: readonly Rule[] = [
  boundary('quantised-head-dim', /headDim/, option('headDim'), [64], [63, 65, 0, undefined, 1.5]),
  boundary(
    'quantised-head-dim-v',
    /headDimV|head dim/,
    valueDim,
    [
      [64, 17],
      [61, 17],
      [1, 2],
      [576, 145],
    ],
    [
      [NaN, 17],
      [0, 1],
      [577, 146],
    ],
  ),
  boundary(
    'quantised-words-v',
    /rows of v must be 17 words/,
    valueShape,
    [words],
    [
      [6, 4, 2, 16],
      [6, 4, 2, 18],
      [6, 4, 2, 64],
    ],
  ),
  boundary('quantised-words-k', /rows of k must be 17 words/, keyShape, [words], [[6, 4, 2, 9]]),
  boundary('quantised-words-int4', /rows of k must be 9 words/, asInt4, [9], [8, 10, 17]),
  boundary(
    'quantised-dtype',
    /\b[kv] must be u32/,
    ofTypes,
    [['u32', 'u32']],
    [
      ['f32', 'f32'],
      ['i32', 'i32'],
      ['u32', 'f32'],
      ['f16', 'u32'],
    ],
  ),
  boundary('words-need-format', /format/, withoutFormat, [], [['u32', 'u32']]),
  boundary(
    'quantised-needs-pages',
    /blockTable/,
    notPaged,
    ['f32'],
    ['int8', 'int4'],
    'UnsupportedError',
  ),
  boundaryOf('attention')(
    'quantised-needs-pages',
    /no format in options; .*varlenAttention/,
    (b, format) => dense(b, {}, { format }),
    [undefined],
    ['int8', 'f32'],
  ),
  boundary('float-head-dim', /headDim/, (b, headDim) => paged(b, { headDim }), [64], [32]),
  boundaryOf('varlenAttentionVjp')(
    'quantised',
    /int8 pages are not differentiable/,
    (b, format) => inInt8(b, { format }, {}, varlenAttentionVjp),
    [],
    ['int8'],
    'UnsupportedError',
  ),
  boundaryOf('flexAttentionVjp')(
    'quantised',
    /int8 pages are not differentiable/,
    (b, format) => inInt8(b, { format }, {}, flexAttentionVjp as never),
    [],
    ['int8'],
    'UnsupportedError',
  ),
  planBoundary('quantised-format', /format/, planField('format'), ['int8'], ['int3', 'i8']),
  planBoundary('quantised-words', /rows of k/, planField('k'), [words], [[6, 4, 2, 64]]),
  planBoundary('quantised-head-dim', /headDim/, planField('headDim'), [64], [32, undefined]),
  planBoundary('quantised-head-dim-v', /headDimV/, planField('headDimV'), [64], [undefined]),
  planBoundary(
    'quantised-kv-dtype',
    /kvDtype/,
    planField('kvDtype' as never),
    [undefined],
    ['f32', 'f16'],
  ),
  planBoundary(
    'quantised-needs-pages',
    /blockTable/,
    (b, layout: string) => plan(b, layout === 'paged' ? {} : { layout, k: [12, 2, 17] }),
    ['paged'],
    ['varlen'],
    'UnsupportedError',
  ),
];

/** The rules of calls over pages. */
export const pageRules: readonly Rule[] = [...varlenPageRules, ...quantisedPageRules];
