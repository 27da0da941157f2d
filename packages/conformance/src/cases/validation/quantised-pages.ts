import type { DType } from '@heed/core';
import { planAttention, type AttentionProblem, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { flexAttentionVjp } from '@heed/flex';
import { dense } from './dense-control.ts';
import { type Bench, boundaryOf, type Rule } from './rule.ts';
import { inInt8, packed, paged, q, words } from './varlen-control.ts';

const boundary = boundaryOf('varlenAttention');

type List = readonly number[];
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

/** The rules about pages of integers, of calls, their gradients and their plans. */
export const quantisedPageRules: readonly Rule[] = [
  boundary('quantised-head-dim', /headDim/, option('headDim'), [64], [63, 65, 0, undefined, 1.5]),
  boundary(
    'quantised-head-dim-v',
    /headDimV|head dim/,
    valueDim,
    [
      [64, 17],
      [61, 17],
      [1, 2],
      [256, 65],
    ],
    [
      [NaN, 17],
      [0, 1],
      [257, 66],
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
    /int8 pages have no gradient/,
    (b, format) => inInt8(b, { format }, {}, varlenAttentionVjp),
    [],
    ['int8'],
    'UnsupportedError',
  ),
  boundaryOf('flexAttentionVjp')(
    'quantised',
    /int8 pages have no gradient/,
    (b, format) => inInt8(b, { format }, {}, flexAttentionVjp as never),
    [],
    ['int8'],
    'UnsupportedError',
  ),
  planBoundary('quantised-format', /format/, planField('format'), ['int8'], ['int3', 'i8']),
  planBoundary('quantised-words', /rows of k/, planField('k'), [words], [[6, 4, 2, 64]]),
  planBoundary('quantised-head-dim', /headDim/, planField('headDim'), [64], [32, undefined]),
  planBoundary('quantised-head-dim-v', /headDimV/, planField('headDimV'), [64], [undefined]),
  planBoundary('quantised-kv-dtype', /kvDtype/, planField('kvDtype'), [undefined], ['f32', 'f16']),
  planBoundary(
    'quantised-needs-pages',
    /blockTable/,
    (b, layout: string) => plan(b, layout === 'paged' ? {} : { layout, k: [12, 2, 17] }),
    ['paged'],
    ['varlen'],
    'UnsupportedError',
  ),
];
