import type { DType } from '@heed/core';
import { type AttentionResult, varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import { type Bench, boundaryOf, type Rule } from './api-rule.ts';

/** Shapes that differ from the control call. */
interface VarlenChange {
  readonly q?: readonly number[];
  readonly k?: readonly number[];
  /** Default: the shape of k. */
  readonly v?: readonly number[];
  /** Dtypes of k and v; default f32. */
  readonly types?: readonly [k: DType, v: DType];
}

/** Shapes of the control calls: [T, H, D], and [pages, pageSize, Hkv, D]. */
export const q = [10, 4, 64] as const;
const kv = [12, 2, 64] as const;
const pool = [6, 4, 2, 64] as const;
/** Shape of the pool in int8: a scale and 16 words per row. */
export const words = [6, 4, 2, 17] as const;

const cuSeqlensQ = Int32Array.of(0, 4, 10);
const packedLengths = { cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 5, 12) };
const pagedLengths = {
  cuSeqlensQ,
  seqUsedK: Int32Array.of(8, 3),
  blockTable: Int32Array.of(0, 5, 2, -1),
};

/** Runs a packed call of two sequences, with options added to the control call, or removed by `undefined`. */
export function packed(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...packedLengths, ...options }, { q, k: kv, ...change });
}

/** Runs a paged call of two sequences: at most 2 pages of 4 rows each, out of 6 pages. */
export function paged(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...pagedLengths, ...options }, { q, k: pool, ...change });
}

/** Runs the paged call with keys and values in int8. */
export function inInt8(
  bench: Bench,
  options: object = {},
  change: VarlenChange = {},
  attend: typeof varlenAttention = varlenAttention,
): AttentionResult {
  const all = { ...pagedLengths, format: 'int8', headDim: 64, headDimV: 64, ...options };
  return run(bench, all, { q, k: words, types: ['u32', 'u32'], ...change }, attend);
}

function run(
  bench: Bench,
  options: object,
  shapes: VarlenChange & Required<Pick<VarlenChange, 'q' | 'k'>>,
  attend: typeof varlenAttention = varlenAttention,
): AttentionResult {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const { types: [kType, vType] = ['f32', 'f32'] } = shapes;
  const [k, v] = [bench.tensor(shapes.k, kType), bench.tensor(shapes.v ?? shapes.k, vType)];
  // Many values under test do not have the declared type.
  const result = attend(bench.tensor(shapes.q), k, v, given as unknown as VarlenOptions);
  bench.scope.own(result.out);
  return result;
}

const boundary = boundaryOf('varlenAttention');

type List = readonly number[];

const list = (name: keyof VarlenOptions) => (b: Bench, value: List) =>
  packed(b, { [name]: Int32Array.from(value) });
const [cuQ, cuK, used] = [list('cuSeqlensQ'), list('cuSeqlensK'), list('seqUsedK')];
const emptyK = (b: Bench, value: List) =>
  packed(b, { cuSeqlensQ: Int32Array.from(value), cuSeqlensK: Int32Array.of(0) });
const given = (name: keyof VarlenOptions) => (b: Bench, how: string) =>
  packed(b, how === 'given' ? {} : { [name]: undefined });
const defaultK = (b: Bench, tokens: number) =>
  packed(b, { cuSeqlensK: undefined }, { k: [tokens, 2, 64] });
const shaped = (name: keyof VarlenOptions) => (b: Bench, shape: List) =>
  packed(b, { [name]: b.tensor(shape) });

const contents = { cuSeqlensQ: [0, 4, 10], cuSeqlensK: [0, 5, 12], seqUsedK: [5, 7] } as const;

const onTheGpu = (Object.keys(contents) as (keyof typeof contents)[]).flatMap((name): Rule[] => {
  const content = contents[name];
  const n = content.length;
  const says = new RegExp(name);
  const ofShape = (b: Bench, shape: List) => packed(b, { [name]: b.integers(content, shape) });
  const ofType = (b: Bench, dtype: DType) => packed(b, { [name]: b.integers(content, [n], dtype) });
  return [
    boundary<List>(
      `${name}-tensor-shape`,
      says,
      ofShape,
      [[n]],
      [
        [1, n],
        [n, 1],
      ],
    ),
    boundary(`${name}-tensor-dtype`, says, ofType, ['i32'], ['f32', 'f16']),
  ];
});

/** The rules of `varlenAttention` about packed shapes and lengths. */
export const varlenRules: readonly Rule[] = [
  boundary('q-rank', /\bq\b/, (b, n) => packed(b, {}, { q: [1, ...q].slice(4 - n) }), [3], [2, 4]),
  boundary('k-rank', /\bk\b/, (b, n) => packed(b, {}, { k: [1, ...kv].slice(4 - n) }), [3], [2, 4]),
  boundary(
    'head-ratio',
    /multiple/,
    (b, n) => packed(b, {}, { k: [12, n, 64] }),
    [1, 2, 4],
    [0, 3, 8],
  ),
  boundary(
    'head-dim-shared',
    /head ?dim/i,
    (b, d) => packed(b, {}, { k: [12, 2, d] }),
    [64],
    [63, 65],
  ),
  boundary('cu-q-given', /cuSeqlensQ/, given('cuSeqlensQ'), ['given'], ['missing']),
  boundary(
    'cu-q-first',
    /cuSeqlensQ/,
    cuQ,
    [[0, 4, 10]],
    [
      [1, 4, 10],
      [-1, 4, 10],
    ],
  ),
  boundary(
    'cu-q-monotone',
    /cuSeqlensQ/,
    cuQ,
    [
      [0, 4, 4],
      [0, 0, 10],
    ],
    [[0, 5, 4]],
  ),
  boundary(
    'cu-q-last',
    /cuSeqlensQ/,
    cuQ,
    [
      [0, 4, 9],
      [0, 4, 10],
    ],
    [[0, 4, 11]],
  ),
  boundary('cu-q-length', /cuSeqlensQ/, emptyK, [[0]], [[]]),
  boundary(
    'cu-k-first',
    /cuSeqlensK/,
    cuK,
    [[0, 5, 12]],
    [
      [1, 5, 12],
      [-1, 5, 12],
    ],
  ),
  boundary(
    'cu-k-monotone',
    /cuSeqlensK/,
    cuK,
    [
      [0, 5, 5],
      [0, 0, 12],
    ],
    [[0, 6, 5]],
  ),
  boundary(
    'cu-k-last',
    /cuSeqlensK/,
    cuK,
    [
      [0, 5, 11],
      [0, 5, 12],
    ],
    [[0, 5, 13]],
  ),
  boundary(
    'cu-k-length',
    /cuSeqlensK/,
    cuK,
    [[0, 5, 12]],
    [
      [0, 12],
      [0, 5, 6, 12],
    ],
  ),
  boundary('cu-k-default', /cuSeqlens/, defaultK, [10, 11], [9]),
  boundary(
    'used-value',
    /seqUsedK/,
    used,
    [
      [5, 7],
      [0, 0],
    ],
    [
      [6, 7],
      [5, 8],
      [-1, 7],
    ],
  ),
  boundary('used-length', /seqUsedK/, used, [[5, 7]], [[5], [5, 7, 0]]),
  boundary('alibi-shape', /alibiSlopes/, shaped('alibiSlopes'), [[4], [2, 4]], [[5], [3, 4]]),
  boundary(
    'out-shape',
    /out/,
    shaped('out'),
    [[10, 4, 64]],
    [
      [9, 4, 64],
      [11, 4, 64],
      [4, 10, 64],
      [1, 10, 4, 64],
    ],
  ),
  ...onTheGpu,
];
