import type { DType } from '@heed/core';
import { attentionWeights, keyMass } from '@heed/kernels-wgsl';
import { type Bench, boundaryOf, type Rule } from './api-rule.ts';

const [weights, mass] = [boundaryOf('attentionWeights'), boundaryOf('keyMass')];

/** Runs a function on a dense problem of 3 query rows with one option, or more. */
const of = (fn: typeof attentionWeights | typeof keyMass) => (b: Bench, options: object) =>
  b.scope.own(fn(b.tensor([2, 4, 3, 64]), b.tensor([2, 2, 5, 64]), options));
const seen = of(attentionWeights);
const summed = of(keyMass);

const lse = (b: Bench, shape: readonly number[]) => seen(b, { lse: b.tensor(shape) });
const lseType = (b: Bench, dtype: DType) => seen(b, { lse: b.tensor([2, 4, 3], dtype) });

/** The rules of `attentionWeights` and `keyMass` besides those that they share with attention. */
export const weightsRules: readonly Rule[] = [
  weights(
    'rows',
    /rows/,
    (b, rows) => seen(b, { rows }),
    [
      [0, 3],
      [1, 1],
      [2, 3],
    ],
    [[0, 4], [2, 1], [-1, 2], [0.5, 1], [0], 1],
  ),
  weights(
    'lse-shape',
    /lse/,
    lse,
    [[2, 4, 3]],
    [
      [4, 3],
      [2, 4, 4],
      [2, 2, 3],
    ],
  ),
  weights('lse-dtype', /lse/, lseType, ['f32'], ['f16', 'i32']),
  // What concerns another call's result is not even looked at.
  weights('out', /out/, (b, out) => seen(b, { out }), ['anything', 7], []),
  mass(
    'no-rows',
    /there is no rows/,
    (b, name: string) => summed(b, { [name]: [0, 1] }),
    [],
    ['rows'],
  ),
  mass('num-splits', /numSplits/, (b, numSplits) => summed(b, { numSplits }), [1, 'many'], []),
];
