import type { DType, Tensor } from '@heed/core';
import { mergeStates } from '@heed/kernels-wgsl';
import { type Bench, boundaryOf, type Rule } from './rule.ts';

const boundary = boundaryOf('mergeStates');

interface Change {
  readonly out?: readonly number[];
  readonly lse?: readonly number[];
  readonly outType?: DType;
  readonly lseType?: DType;
}

function state(b: Bench, change: Change): { out: Tensor; lse: Tensor } {
  const { out = [2, 4, 3, 64], lse = [2, 4, 3], outType = 'f32', lseType = 'f32' } = change;
  return { out: b.tensor(out, outType), lse: b.tensor(lse, lseType) };
}

function mergeAll(b: Bench, changes: readonly Change[]): unknown {
  const merged = mergeStates(changes.map((change) => state(b, change)));
  b.scope.own(merged.out);
  b.scope.own(merged.lse);
  return merged;
}

/** A sound state merged with one that differs from it in one thing. */
const withSound = (b: Bench, change: Change): unknown => mergeAll(b, [{}, change]);

/** The rules of `mergeStates`. */
export const mergeRules: readonly Rule[] = [
  boundary(
    'count',
    /state/,
    (b, n) =>
      mergeAll(
        b,
        Array.from({ length: n }, () => ({})),
      ),
    [1, 2, 3],
    [0],
  ),
  boundary(
    'out-shape',
    /out/,
    (b, out) => withSound(b, { out }),
    [[2, 4, 3, 64]],
    [
      [2, 4, 3, 63],
      [2, 4, 4, 64],
      [8, 3, 64],
    ],
  ),
  boundary(
    'lse-shape',
    /lse/,
    (b, lse) => withSound(b, { lse }),
    [[2, 4, 3]],
    [
      [2, 4, 4],
      [2, 3, 4],
      [4, 3],
    ],
  ),
  boundary(
    'out-dtype',
    /out|dtype/,
    (b, outType: DType) => withSound(b, { outType }),
    ['f32'],
    ['f16', 'i32'],
  ),
  boundary(
    'lse-dtype',
    /lse/,
    (b, lseType: DType) => withSound(b, { lseType }),
    ['f32'],
    ['f16', 'i32'],
  ),
];
