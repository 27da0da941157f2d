import type { Gpu, Tensor } from '@heed/core';
import { type BlockMask, createBlockMask, flexAttention, type MaskMod } from '@heed/flex';
import { type Check, holds, sameBits } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { flexLaunch, type Pair, withMods } from '../../problems/launch-flex.ts';
import { collect } from '../../problems/launch-problem.ts';
import { recordOutput } from '../../problems/output-hashes.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { sliceAxis, unravel } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { blockMaskPairs } from './block-mask-cases.ts';

const B = 3;
const H = 4;
const Lq = 150;
const Lk = 200;
const blockSize = 32;

/** Depends on every axis that a slice moves. */
const mask: MaskMod<{ step: number }> = (b, h, q, kv, { step }) =>
  q >= kv && q - kv <= step * (1 + b) + 9 * h;
const captures = { step: 24 };
const info = { qLen: Lq, kvLen: Lk, qRow: 0, kvRow: 0 };

/** Returns 0 if no pair of a block is visible, 2 if all are, else 1. */
function classOf([b, h, row, column]: readonly number[], off: number): number {
  let [seen, pairs] = [0, 0];
  for (let i = row! * blockSize; i < Math.min(Lq, (row! + 1) * blockSize); i++) {
    for (let j = column! * blockSize; j < Math.min(Lk, (column! + 1) * blockSize); j++, pairs++)
      if (mask(b!, h!, i + off, j, captures, info)) seen++;
  }
  return seen === 0 ? 0 : seen === pairs ? 2 : 1;
}

/** Checks every class against all pairs of its block. A class may be partial without need, but never wrongly full or empty. */
async function soundClasses(made: BlockMask, off: number): Promise<Check[]> {
  const { shape, classes } = await made.toDense();
  const wrong = [...classes].flatMap((class_, at) => {
    const index = unravel(at, shape);
    const truth = classOf(index, off);
    return class_ === 1 || class_ === truth
      ? []
      : [`[${index.join(', ')}] is ${truth}, not ${class_}`];
  });
  return [
    holds('shape', String(shape) === '3,4,5,7', `[${shape.join(', ')}], want [3, 4, 5, 7]`),
    holds('classes', wrong.length === 0, wrong.slice(0, 8).join('; ')),
  ];
}

/** Checks the counts and ascending indices of each row of blocks against the classes. */
async function listsOfClasses(made: BlockMask): Promise<Check[]> {
  const { shape, classes } = await made.toDense();
  const [, , , columns] = shape;
  const lists = [
    ['partial', 1, made.kvNumBlocks, made.kvIndices],
    ['full', 2, made.fullKvNumBlocks, made.fullKvIndices],
  ] as const;
  const checks: Check[] = [];
  for (const [name, class_, counts, indices] of lists) {
    const rows = Array.from({ length: classes.length / columns }, (_, row) =>
      [...classes.subarray(row * columns, (row + 1) * columns)].flatMap((c, column) =>
        c === class_ ? [column] : [],
      ),
    );
    const wantIndices = rows.flatMap((row) => [...row, ...Array(columns - row.length).fill(-1)]);
    const [gotCounts, gotIndices] = [await counts.read(), await indices.read()];
    recordOutput(counts.gpu, `${name} counts`, gotCounts);
    recordOutput(indices.gpu, `${name} indices`, gotIndices);
    const wantCounts = rows.map((row) => row.length);
    checks.push(
      holds(`${name} counts`, String(gotCounts) === String(wantCounts), String(gotCounts)),
      holds(`${name} indices`, String(gotIndices) === String(wantIndices), String(gotIndices)),
    );
  }
  return checks;
}

const classCases: readonly RunnableCase[] = (['start', 'end'] as const).flatMap((align) =>
  defineCase('flex-block-classes', `align-${align}`, {
    dtypes: ['f32'],
    tags: ['browser'],
    async run(gpu) {
      const scope = new Scope(gpu);
      try {
        const sizes = { B, H, Lq, Lk, align, blockSize, captures };
        const made = scope.own(createBlockMask(gpu, mask, sizes));
        const off = align === 'end' ? Lk - Lq : 0;
        return [...(await soundClasses(made, off)), ...(await listsOfClasses(made))];
      } finally {
        scope.dispose();
      }
    },
  }),
);

interface Part {
  readonly axis: 0 | 1 | 2;
  /** In blocks along axis 2, else in elements. */
  readonly range: readonly [start: number, end: number];
  readonly align: 'start' | 'end';
}

const parts: Readonly<Record<string, Part>> = {
  batch: { axis: 0, range: [1, 3], align: 'end' },
  head: { axis: 1, range: [2, 4], align: 'end' },
  'rows-middle': { axis: 2, range: [1, 3], align: 'end' },
  'rows-last': { axis: 2, range: [2, 5], align: 'end' },
  'rows-align-start': { axis: 2, range: [1, 4], align: 'start' },
};

/** Attention over a part of q with a slice of the BlockMask gives that part of the whole result. */
async function sliced(gpu: Gpu, dtype: FloatDType, { axis, range, align }: Part): Promise<Check[]> {
  const scope = new Scope(gpu);
  try {
    const problem = denseProblem({ dtype, batch: B, heads: [H, H], lq: Lq, lk: Lk, dim: 16 });
    const q = uploadArray(scope, problem.q, dtype);
    const k = uploadArray(scope, problem.k, dtype);
    const v = uploadArray(scope, problem.v, dtype);
    const sizes = { B, H, Lq, Lk, align, blockSize, captures };
    const blockMask = scope.own(createBlockMask(gpu, mask, sizes));
    const options = { align, numSplits: 1, returnLse: true };
    const whole = await collect(scope, flexAttention(q, k, v, { ...options, blockMask }));
    const [rows, most] = axis === 2 ? [blockSize, Lq] : [1, [B, H][axis] as number];
    const [first, end] = [range[0] * rows, Math.min(range[1] * rows, most)];
    const cut = (x: Tensor): Tensor => (axis === 2 ? x : x.slice(axis, first, end));
    const part = { ...options, blockMask: blockMask.slice(axis, ...range) };
    const result = flexAttention(q.slice(axis, first, end), cut(k), cut(v), part);
    const got = await collect(scope, result);
    return [
      sameBits('out', got.out, sliceAxis(whole.out, axis, first, end)),
      sameBits('lse', got.lse, sliceAxis(whole.lse, axis, first, end)),
    ];
  } finally {
    scope.dispose();
  }
}

const blockSliceCases: readonly RunnableCase[] = Object.entries(parts).flatMap(([name, part]) =>
  defineCase('flex-block-slices', name, {
    f16Tier: 'full',
    tags: ['browser'],
    run: (gpu, dtype) => sliced(gpu, dtype, part),
  }),
);

/** Two problems of one shape: the BlockMask is made with the lengths of the first and used with those of the second. */
interface Stale {
  readonly pair: Pair;
  readonly numSplits: number;
  readonly problems: (
    dtype: FloatDType,
  ) => readonly [made: ReferenceProblem, used: ReferenceProblem];
}

const base = { heads: [4, 2], dim: 16 } as const;

const packed = (made: readonly number[], used: readonly number[]): Stale => ({
  pair: blockMaskPairs.band,
  numSplits: 1,
  problems: (dtype) => [
    packedProblem({ ...base, dtype, qLens: made }),
    packedProblem({ ...base, dtype, qLens: used }),
  ],
});

/** These problems share the kernels of other block mask cases. */
const stale: Readonly<Record<string, Stale>> = {
  'packed/begins-elsewhere': packed([32, 96, 128], [64, 96, 96]),
  'packed/other-lengths': packed([100, 100, 56], [56, 0, 200]),
  'paged-decode/more-keys': {
    pair: blockMaskPairs['by-batch-and-head'],
    numSplits: 3,
    problems: (dtype) => {
      const paged = { ...base, dtype, qLens: [1, 2, 1], pageSize: 16 };
      const used = pagedProblem({ ...paged, used: [300, 257, 40] });
      return [{ ...used, seqUsedK: Int32Array.of(290, 257, 0) }, used];
    },
  },
  'dense/used-keys': {
    pair: blockMaskPairs.band,
    numSplits: 1,
    problems: (dtype) =>
      [
        [290, 100, 0],
        [290, 131, 64],
      ].map((seqUsedK) =>
        denseProblem({ ...base, dtype, batch: 3, lq: 33, lk: 290, seqUsedK }),
      ) as [ReferenceProblem, ReferenceProblem],
  },
};

/** A BlockMask whose lengths have changed on the GPU gives the result of its mask. */
const staleMaskCases: readonly RunnableCase[] = Object.entries(stale).flatMap(
  ([name, { pair, numSplits, problems }]) =>
    defineCase('flex-stale-masks', name, {
      f16Tier: 'full',
      tags: name.startsWith('dense') ? [] : ['browser'],
      async run(gpu, dtype) {
        const [made, used] = problems(dtype);
        const problem = withMods(poisonUnused(used, NaN), pair);
        const options = { numSplits, blockSize: 32, gpuLengths: true, madeFor: made };
        const got = await flexLaunch(gpu, problem, dtype, options);
        return isRight('stale BlockMask', got, problem, dtype);
      },
    }),
);

/** Cases of the contents of a BlockMask: classes, slices, lengths that change. */
export const blockClassCases: readonly RunnableCase[] = [
  ...classCases,
  ...blockSliceCases,
  ...staleMaskCases,
];
