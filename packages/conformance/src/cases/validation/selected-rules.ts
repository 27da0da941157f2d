import type { DType, Tensor } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { sizeOf } from '../../reference/nd-array.ts';
import { type Bench, boundaryOf, type Rule } from './api-rule.ts';
import { dense } from './dense-rules.ts';
import { packed } from './varlen-rules.ts';

const [ofDense, ofPacked] = [boundaryOf('attention'), boundaryOf('varlenAttention')];

/** Allocates lists in which every entry is 1. */
const lists = (b: Bench, shape: readonly number[], dtype: DType = 'i32'): Tensor =>
  dtype === 'i32'
    ? b.integers(Array<number>(sizeOf(shape)).fill(1), shape)
    : b.tensor(shape, dtype);

const shape = [2, 2, 3, 4] as const;
const withLists = (b: Bench, options: object) =>
  dense(b, {}, { selectedKeys: lists(b, shape), ...options });

/** Runs a plan of one kind of lists over lists of another shape. */
function planned(b: Bench, shapeOfRun: readonly number[]): unknown {
  const [q, k] = [b.tensor([2, 4, 3, 64]), b.tensor([2, 2, 5, 64])];
  const problem = { layout: 'dense', q: q.shape, k: k.shape, selectedKeys: shape } as const;
  const plan = b.scope.own(planAttention(b.scope.gpu, problem));
  const selectedKeys = shapeOfRun.length > 0 ? { selectedKeys: lists(b, shapeOfRun) } : {};
  return b.scope.own(plan.run({ q, k, v: k, ...selectedKeys }).out);
}

/** The rules of lists of selected keys. The dense call has 2 batch entries, 4 query heads, 2 kv heads and 3 rows; the packed one 2 sequences. */
export const selectedRules: readonly Rule[] = [
  ofDense(
    'selected-shape',
    /selectedKeys/,
    (b, given: readonly number[]) => dense(b, {}, { selectedKeys: lists(b, given) }),
    [
      [2, 2, 3, 4],
      [2, 4, 3, 1],
      [1, 1, 3, 4],
      [2, 1, 3, 0],
    ],
    [
      [3, 2, 3, 4],
      [2, 3, 3, 4],
      [2, 2, 4, 4],
      [2, 3, 4],
    ],
  ),
  ofDense(
    'selected-dtype',
    /selectedKeys/,
    (b, dtype: DType) => dense(b, {}, { selectedKeys: lists(b, shape, dtype) }),
    ['i32'],
    ['u32', 'f32', 'f16'],
  ),
  ofDense(
    'selected-kind',
    /selectedKeys/,
    (b, selectedKeys) => dense(b, {}, { selectedKeys }),
    [],
    [null, 1, [1, 2], new Int32Array(48)],
  ),
  ofDense(
    'selected-block-size',
    /selectedBlockSize/,
    (b, selectedBlockSize) => withLists(b, { selectedBlockSize }),
    [1, 3, 64],
    [0, -1, 1.5, NaN, '2', 2 ** 30],
  ),
  ofDense(
    'selected-count',
    /selectedKeys/,
    (b, selectedBlockSize: number) => withLists(b, { selectedBlockSize }),
    [],
    [2 ** 29],
  ),
  ofDense(
    'selected-block-size-alone',
    /selectedBlockSize needs selectedKeys/,
    (b, selectedBlockSize) => dense(b, {}, { selectedBlockSize }),
    [undefined],
    [1, 2],
  ),
  ofDense(
    'selected-out',
    /out may not share a buffer with selectedKeys/,
    (b, shares: boolean) => {
      const list = lists(b, shape);
      const { buffer } = shares ? list : b.tensor([2, 4, 3, 64]);
      if (shares) {
        const out = b.scope.own(b.scope.gpu.wrap(buffer, { shape: [1, 1, 1, 1], dtype: 'f32' }));
        const one = (n: number): Tensor => b.tensor([1, 1, n, 1]);
        const selectedKeys = list.slice(0, 0, 1).slice(1, 0, 1).slice(2, 0, 1);
        return dense(b, { q: one(1), k: one(2), v: one(2) }, { selectedKeys, out });
      }
      return dense(b, {}, { selectedKeys: list });
    },
    [false],
    [true],
  ),
  ofPacked(
    'selected-shape',
    /selectedKeys/,
    (b, given: readonly number[]) => packed(b, { selectedKeys: lists(b, given) }),
    [
      [10, 2, 4],
      [10, 1, 4],
      [10, 4, 2],
    ],
    [
      [9, 2, 4],
      [10, 3, 4],
      [1, 2, 10, 4],
    ],
  ),
  boundaryOf('plan.run')(
    'selected-kind-of-plan',
    /selectedKeys/,
    planned,
    [
      [2, 2, 3, 4],
      [1, 1, 3, 9],
    ],
    [[2, 4, 3, 4], []],
  ),
];
