import type { DType, Tensor } from '@heed/core';
import type { AttentionOptions } from '@heed/kernels-wgsl';
import { dense, q } from './dense-control.ts';
import { type Bench, boundaryOf, type Rule } from './rule.ts';

const boundary = boundaryOf('attention');

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

/** `out` in a buffer of its own, or in that of an input: the same rows, or others of it. */
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
export const denseOptionRules: readonly Rule[] = [
  boundary(
    'option',
    /Did you mean causal\?|maskMod is an option of flexAttention/,
    (b, name: string) => dense(b, {}, { [name]: true }),
    ['causal'],
    ['isCausal', 'is_causal', 'casual', 'maskMod', 'mask_mod', 'attn_mask'],
  ),
  boundary('scale', /scale/, option('scale'), [0.1, 0, -1], [NaN, Infinity, -Infinity, '1']),
  boundary('softcap', /softcap/, option('softcap'), [1e-3, 30], [0, -1, NaN, Infinity]),
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
  boundary('out-dtype', /out/, typed('out', q), ['f32'], ['f16', 'i32']),
  boundary(
    'out-overlap',
    /out/,
    overlapping,
    ['own'],
    ['with-q', 'with-k', 'with-v', 'with-other-rows-of-q'],
  ),
];
