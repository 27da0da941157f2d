import { type DType, openGpu, type Tensor } from '@heed/core';
import { attention, type AttentionOptions, type AttentionResult } from '@heed/kernels-wgsl';
import { sizeOf } from '../../reference/nd-array.ts';
import { type Bench, type Boundary, boundaryOf, type Rule } from './api-rule.ts';

const boundary: Boundary = boundaryOf('attention');

/** Shapes of the control call: [B, H, L, D]. */
const q = [2, 4, 3, 64] as const;
const kv = [2, 2, 5, 64] as const;

/** The difference from the control call: a shape, or a tensor. */
interface DenseChange {
  readonly q?: readonly number[] | Tensor;
  readonly k?: readonly number[] | Tensor;
  readonly v?: readonly number[] | Tensor;
  readonly dtype?: DType;
}

/** Runs the control call of `attention`, which is valid, with one change. */
export function dense(bench: Bench, change: DenseChange, options?: unknown): AttentionResult {
  const { dtype = 'f32' } = change;
  const tensor = (given: readonly number[] | Tensor = [], control: readonly number[]): Tensor => {
    if (!Array.isArray(given)) return given as Tensor;
    return bench.tensor(given.length === 0 ? control : (given as readonly number[]), dtype);
  };
  // Many values under test do not have the declared type.
  const result = attention(
    tensor(change.q, q),
    tensor(change.k, kv),
    tensor(change.v, kv),
    options as AttentionOptions,
  );
  bench.scope.own(result.out);
  return result;
}

const control = { q, k: kv, v: kv } as const;
const names = ['q', 'k', 'v'] as const;

const dims = (d: number): DenseChange => ({ q: [1, 2, 3, d], k: [1, 1, 4, d], v: [1, 1, 4, d] });
// q and k are as wide as v if that is allowed, so that a wide v needs no other pipeline.
const valueDim = (d: number): DenseChange => ({
  ...dims(Math.min(Math.max(d, 1), 576)),
  v: [1, 1, 4, d],
});
const heads = (n: number): DenseChange => ({ k: [2, n, 5, 64], v: [2, n, 5, 64] });
const batch = (n: number): DenseChange => ({
  q: [3, 4, 3, 64],
  k: [n, 2, 5, 64],
  v: [n, 2, 5, 64],
});

/** Arguments that are not tensors. */
const notTensors: Readonly<Record<string, unknown>> = {
  null: null,
  object: {},
  array: new Float32Array(4),
};

/** Passes k from the Gpu of q, or from another Gpu on the same device. */
async function ofGpu(b: Bench, which: string): Promise<unknown> {
  if (which === 'same') return dense(b, {});
  const other = b.scope.own(await openGpu({ device: b.scope.gpu.device, label: 'other' }));
  return dense(b, { k: other.tensor(new Float32Array(sizeOf(kv)), { shape: kv }) });
}

const perTensor = names.flatMap((name): Rule[] => {
  const word = new RegExp(`\\b${name}\\b`);
  const ofRank = (b: Bench, rank: number) =>
    dense(b, { [name]: [1, ...control[name]].slice(5 - rank) });
  const ofKind = (b: Bench, kind: string) =>
    dense(b, kind === 'tensor' ? {} : { [name]: notTensors[kind] as Tensor });
  const inLife = (b: Bench, life: string) =>
    dense(b, life === 'live' ? {} : { [name]: b.disposed(control[name]) });
  return [
    boundary(`${name}-rank`, word, ofRank, [4], [3, 5]),
    boundary(`${name}-is-tensor`, word, ofKind, ['tensor'], ['null', 'object', 'array']),
    boundary(`${name}-life`, word, inLife, ['live'], ['disposed'], 'DisposedError'),
  ];
});

/** The rules of `attention` about q, k and v. */
const denseShapeRules: readonly Rule[] = [
  ...perTensor,
  boundary(
    'dtype',
    /dtype|f32/,
    (b, dtype: DType) => dense(b, { dtype }),
    ['f32', 'f16', 'bf16'],
    ['i32', 'u32'],
  ),
  boundary(
    'kv-dtype',
    /dtype/,
    (b, dtype: DType) => dense(b, { v: b.tensor(kv, dtype) }),
    ['f32'],
    ['f16', 'bf16'],
  ),
  boundary(
    'head-dim-shared',
    /head ?dim/i,
    (b, d) => dense(b, { k: [2, 2, 5, d] }),
    [64],
    [63, 65],
  ),
  boundary('head-dim', /head ?dim/i, (b, d) => dense(b, dims(d)), [1, 576], [0, 577]),
  boundary('head-dim-v', /head ?dim/i, (b, d) => dense(b, valueDim(d)), [1, 576], [0, 577]),
  boundary('k-v-length', /\bv\b/, (b, n) => dense(b, { v: [2, 2, n, 64] }), [5], [4, 6]),
  boundary('k-v-heads', /\bv\b/, (b, n) => dense(b, { v: [2, n, 5, 64] }), [2], [1, 4]),
  boundary('k-v-batch', /\bv\b/, (b, n) => dense(b, { v: [n, 2, 5, 64] }), [2], [1, 3]),
  boundary('head-ratio', /multiple/, (b, n) => dense(b, heads(n)), [1, 2, 4], [0, 3, 8]),
  boundary('one-gpu', /\bk\b/, ofGpu, ['same'], ['other']),
  boundary('kv-batch', /batch/, (b, n) => dense(b, batch(n)), [1, 3], [0, 2, 4]),
];

type Name = keyof AttentionOptions;

const option = (name: Name) => (b: Bench, value: unknown) => dense(b, {}, { [name]: value });
const shaped = (name: Name) => (b: Bench, shape: readonly number[]) =>
  dense(b, {}, { [name]: b.tensor(shape) });
const typed = (name: Name, shape: readonly number[]) => (b: Bench, dtype: DType) =>
  dense(b, {}, { [name]: b.tensor(shape, dtype) });
const used = (b: Bench, list: readonly number[]) =>
  dense(b, {}, { seqUsedK: Int32Array.from(list) });
const usedTensor = (shape: readonly number[], dtype: DType) => (b: Bench) =>
  dense(b, {}, { seqUsedK: b.integers([5, 5], shape, dtype) });

const drop = (name: string) => (b: Bench, value: unknown) =>
  dense(b, {}, { dropout: { rate: 0.5, seed: 1, [name]: value } });
const seedTensor = (dtype: DType) => (b: Bench, shape: readonly number[]) =>
  drop('seed')(b, b.tensor(shape, dtype));

const windows = {
  accepts: [
    [-1, -1],
    [0, 0],
    [-1, 0],
    [5, 2],
    [1e6, 1e6],
  ],
  rejects: [[-2, 0], [0, -2], [0.5, 0], [0, NaN], [1], [1, 2, 3], 4],
} as const;

/** Passes `out` in its own buffer or in the buffer of an input, at the same rows or at other rows. */
function overlapping(b: Bench, which: string): unknown {
  const wide = b.tensor([4, 4, 5, 64]);
  const view = (first: number, h: number, l: number): Tensor =>
    wide
      .slice(0, first, first + 2)
      .slice(1, 0, h)
      .slice(2, 0, l);
  switch (which) {
    case 'own':
      return dense(b, {}, { out: b.tensor(q) });
    case 'with-other-rows-of-q':
      return dense(b, { q: view(0, 4, 3) }, { out: view(2, 4, 3) });
    case 'with-q':
      return dense(b, { q: view(0, 4, 3) }, { out: view(0, 4, 3) });
    default:
      return dense(b, { [which.slice(-1)]: view(0, 2, 5) }, { out: view(0, 4, 3) });
  }
}

/** The rules of `attention` about its options. */
const denseOptionRules: readonly Rule[] = [
  boundary(
    'option',
    /Did you mean causal\?|maskMod is an option of flexAttention/,
    (b, name: string) => dense(b, {}, { [name]: true }),
    ['causal'],
    ['isCausal', 'is_causal', 'casual', 'maskMod', 'mask_mod', 'attn_mask'],
  ),
  boundary('scale', /scale/, option('scale'), [0.1, 0, -1], [NaN, Infinity, -Infinity, '1']),
  boundary('softcap', /softcap/, option('softcap'), [1e-3, 30], [0, -1, NaN, Infinity]),
  boundary('scale-shape', /scale/, shaped('scale'), [[], [4]], [[1], [5], [2, 4]]),
  boundary('scale-dtype', /scale/, typed('scale', [4]), ['f32'], ['f16', 'i32']),
  boundary('softcap-shape', /softcap/, shaped('softcap'), [[], [4]], [[1], [2], [2, 4]]),
  boundary('softcap-dtype', /softcap/, typed('softcap', [4]), ['f32'], ['f16', 'i32']),
  boundary('window', /window/, option('window'), windows.accepts, windows.rejects),
  boundary('causal', /causal/, option('causal'), [true, false], [1, 'yes']),
  boundary('return-lse', /returnLse/, option('returnLse'), [true, false], [1, 'yes']),
  boundary('align', /align/, option('align'), ['start', 'end'], ['middle', '']),
  boundary(
    'num-splits',
    /numSplits/,
    option('numSplits'),
    [1, 128, 'auto'],
    [0, -1, 1.5, 129, NaN, 'all'],
  ),
  boundary(
    'alibi-shape',
    /alibiSlopes/,
    shaped('alibiSlopes'),
    [[4], [2, 4]],
    [[3], [5], [3, 4], [2, 3], []],
  ),
  boundary('alibi-dtype', /alibiSlopes/, typed('alibiSlopes', [4]), ['f32'], ['f16', 'i32']),
  boundary('sinks-shape', /sinks/, shaped('sinks'), [[4]], [[3], [5], [2, 4]]),
  boundary('sinks-dtype', /sinks/, typed('sinks', [4]), ['f32'], ['f16', 'i32']),
  boundary('dropout-rate', /dropout\.rate/, drop('rate'), [0, 0.5, 0.999], [-0.1, 1, NaN, '0.1']),
  boundary(
    'dropout-seed',
    /dropout\.seed/,
    drop('seed'),
    [0, 1, 2 ** 53 - 1],
    [-1, 0.5, 2 ** 53, NaN, '1'],
  ),
  boundary('dropout-seed-shape', /dropout\.seed/, seedTensor('u32'), [[2]], [[1], [3], [1, 2]]),
  boundary(
    'dropout-seed-dtype',
    /dropout\.seed/,
    (b, dtype: DType) => seedTensor(dtype)(b, [2]),
    ['u32'],
    ['i32', 'f32'],
  ),
  boundary(
    'dropout-names',
    /there is no \w+ in dropout/,
    (b, name: string) => drop(name)(b, 0.5),
    ['rate'],
    ['p', 'Rate'],
  ),
  boundary('used-length', /seqUsedK/, used, [[5, 5]], [[5], [5, 5, 5]]),
  boundary(
    'used-value',
    /seqUsedK/,
    used,
    [
      [0, 5],
      [5, 0],
    ],
    [
      [-1, 5],
      [5, 6],
    ],
  ),
  boundary(
    'used-tensor-shape',
    /seqUsedK/,
    (b, shape) => usedTensor(shape, 'i32')(b),
    [[2]],
    [
      [1, 2],
      [2, 1],
    ],
  ),
  boundary(
    'used-tensor-dtype',
    /seqUsedK/,
    (b, dtype: DType) => usedTensor([2], dtype)(b),
    ['i32'],
    ['f32', 'f16'],
  ),
  boundary(
    'out-shape',
    /out/,
    shaped('out'),
    [[2, 4, 3, 64]],
    [
      [2, 4, 3, 63],
      [2, 4, 4, 64],
      [4, 2, 3, 64],
      [8, 3, 64],
    ],
  ),
  boundary('out-dtype', /out/, typed('out', q), ['f32'], ['f16', 'bf16', 'i32']),
  boundary(
    'out-overlap',
    /out/,
    overlapping,
    ['own'],
    ['with-q', 'with-k', 'with-v', 'with-other-rows-of-q'],
  ),
];

/** The rules of `attention`. */
export const denseRules: readonly Rule[] = [...denseShapeRules, ...denseOptionRules];
