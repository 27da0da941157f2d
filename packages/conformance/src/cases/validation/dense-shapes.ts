import { type DType, openGpu, type Tensor } from '@heed/core';
import { sizeOf } from '../../reference/nd-array.ts';
import { dense, type DenseChange, kv, q } from './dense-control.ts';
import { type Bench, boundaryOf, type Rule } from './rule.ts';

const boundary = boundaryOf('attention');

const control = { q, k: kv, v: kv } as const;
const names = ['q', 'k', 'v'] as const;

const dims = (d: number): DenseChange => ({ q: [1, 2, 3, d], k: [1, 1, 4, d], v: [1, 1, 4, d] });
// With q and k as wide where that is allowed, a wide v needs no pipeline of its own.
const valueDim = (d: number): DenseChange => ({
  ...dims(Math.min(Math.max(d, 1), 256)),
  v: [1, 1, 4, d],
});
const heads = (n: number): DenseChange => ({ k: [2, n, 5, 64], v: [2, n, 5, 64] });
const batch = (n: number): DenseChange => ({
  q: [3, 4, 3, 64],
  k: [n, 2, 5, 64],
  v: [n, 2, 5, 64],
});

/** A tensor argument that is none. */
const notTensors: Readonly<Record<string, unknown>> = {
  null: null,
  object: {},
  array: new Float32Array(4),
};

/** k from the Gpu of q, or from another one over the same device. */
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
export const denseShapeRules: readonly Rule[] = [
  ...perTensor,
  boundary(
    'dtype',
    /dtype|f32/,
    (b, dtype: DType) => dense(b, { dtype }),
    ['f32', 'f16'],
    ['i32', 'u32'],
  ),
  boundary(
    'kv-dtype',
    /dtype/,
    (b, dtype: DType) => dense(b, { v: b.tensor(kv, dtype) }),
    ['f32'],
    ['f16'],
  ),
  boundary(
    'head-dim-shared',
    /head ?dim/i,
    (b, d) => dense(b, { k: [2, 2, 5, d] }),
    [64],
    [63, 65],
  ),
  boundary('head-dim', /head ?dim/i, (b, d) => dense(b, dims(d)), [1, 256], [0, 257]),
  boundary('head-dim-v', /head ?dim/i, (b, d) => dense(b, valueDim(d)), [1, 256], [0, 257]),
  boundary('k-v-length', /\bv\b/, (b, n) => dense(b, { v: [2, 2, n, 64] }), [5], [4, 6]),
  boundary('k-v-heads', /\bv\b/, (b, n) => dense(b, { v: [2, n, 5, 64] }), [2], [1, 4]),
  boundary('k-v-batch', /\bv\b/, (b, n) => dense(b, { v: [n, 2, 5, 64] }), [2], [1, 3]),
  boundary('head-ratio', /multiple/, (b, n) => dense(b, heads(n)), [1, 2, 4], [0, 3, 8]),
  boundary('one-gpu', /\bk\b/, ofGpu, ['same'], ['other']),
  boundary('kv-batch', /batch/, (b, n) => dense(b, batch(n)), [1, 3], [0, 2, 4]),
];
