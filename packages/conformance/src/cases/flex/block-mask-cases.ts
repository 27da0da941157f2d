import type { MaskMod } from '@heed/flex';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { normalTable, table } from '../../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { movedOn, poisonUnused } from '../../problems/rearrange-problem.ts';
import { random } from '../../reference/pseudo-random.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import type { Layout, Problems, Rows } from './pair-case.ts';

const start = { align: 'start' } as const;
const base = { heads: [4, 2], dim: 16 } as const;

/**
 * Problems longer than the largest block, which have whole blocks of every class. Some have more columns than fit in one word of a
 * plane.
 */
const blockProblems: Readonly<Record<Layout, Readonly<Record<Rows, Problems>>>> = {
  dense: {
    prefill: (dtype) => [
      denseProblem({ ...base, dtype, batch: 2, lq: 170, lk: 290 }),
      denseProblem({ ...base, dtype, lq: 150, lk: 130, options: start }),
      denseProblem({ ...base, dtype, batch: 3, lq: 33, lk: 290, seqUsedK: [290, 0, 131] }),
    ],
    decode: (dtype) => [
      denseProblem({ ...base, dtype, batch: 2, lq: 1, lk: 1300 }),
      denseProblem({
        ...base,
        dtype,
        heads: [4, 1],
        batch: 2,
        lq: 3,
        lk: 200,
        seqUsedK: [97, 200],
      }),
    ],
  },
  packed: {
    prefill: (dtype) => [
      packedProblem({
        ...base,
        dtype,
        qLens: [140, 0, 33],
        kLens: [290, 5, 33],
        spareRows: [3, 3],
      }),
      packedProblem({
        ...base,
        dtype,
        qLens: [5, 129],
        kLens: [60, 280],
        used: [0, 270],
        options: start,
      }),
    ],
    decode: (dtype) => [packedProblem({ ...base, dtype, qLens: [1, 2, 1], kLens: [290, 40, 0] })],
  },
  paged: {
    prefill: (dtype) => [
      pagedProblem({ ...base, dtype, qLens: [140, 2], used: [290, 40], pageSize: 16 }),
      pagedProblem({
        ...base,
        dtype,
        qLens: [3, 100],
        used: [0, 133],
        pageSize: 7,
        options: start,
      }),
    ],
    decode: (dtype) => [
      pagedProblem({ ...base, dtype, qLens: [1, 2, 1], used: [1300, 33, 0], pageSize: 16 }),
    ],
  },
};

const documents = table([3, 300], 'i32', (i) =>
  Math.floor((i % 300) / (40 + 30 * Math.floor(i / 300))),
);
const bias = normalTable([4], random(95));

type PairName = 'band' | 'by-batch-and-head' | 'unbounded';

/** Masks with full, partial and empty blocks. */
export const blockMaskPairs: Readonly<Record<PairName, Pair>> = {
  band: () =>
    mods({
      maskMod: (b, h, q, kv, c) => q >= kv && q - kv <= c.left,
      captures: { left: 140 },
    }),
  'by-batch-and-head': (given) =>
    mods({
      maskMod: (b, h, q, kv, { id }) => (h < 2 ? id[b]![q] === id[b]![kv] : kv <= q + 40 * b),
      captures: { id: given(documents) },
    }),
  // Interval bounds tell nothing: every block is partial.
  unbounded: (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]!,
      maskMod: (b, h, q, kv) => ((q * 5 + kv * 3) & 7) !== 1,
      captures: { bias: given(bias) },
    }),
};

const blockSizes = [32, 96, [64, 128], 128] as const;
const quick = ['band/dense-prefill', 'by-batch-and-head/paged-decode', 'unbounded/packed-decode'];

const byBlocks = Object.entries<Pair>(blockMaskPairs).flatMap(([name, pair]) =>
  (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
    (['prefill', 'decode'] as const).flatMap((rows) => blockMaskCase(name, pair, layout, rows)),
  ),
);

/** The BlockMask of a mask, in every block size, gives the bits of the mask itself. */
function blockMaskCase(name: string, pair: Pair, layout: Layout, rows: Rows): RunnableCase[] {
  const id = `${name}/${layout}-${rows}`;
  return defineCase('flex-block-masks', id, {
    tier: quick.includes(id) ? 'quick' : 'full',
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype, signal) {
      const numSplits = rows === 'decode' ? 3 : 1;
      const checks: Check[] = [];
      for (const [p, plain] of blockProblems[layout][rows](dtype).entries()) {
        const problem = withMods(poisonUnused(plain, NaN), pair);
        const want = await flexLaunch(gpu, problem, dtype, { numSplits });
        checks.push(...isRight(`problem ${p} maskMod`, want, problem, dtype));
        for (const blockSize of blockSizes) {
          signal?.throwIfAborted();
          for (const gpuLengths of [false, true]) {
            const options = { numSplits, blockSize, gpuLengths };
            const got = await flexLaunch(gpu, problem, dtype, options);
            const label = `problem ${p} ${JSON.stringify(options)}`;
            checks.push(...sameRun(label, got, want), ...isRight(label, got, problem, dtype));
          }
        }
      }
      return checks;
    },
  });
}

const oddKeys: MaskMod<never> = (b, h, q, kv) => kv % 2 === 1 || q < 20;

/** With a maskMod beside a BlockMask, both must hold. */
const beside = (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
  defineCase('flex-block-masks', `and-mask-mod/${layout}`, {
    tier: layout === 'dense' ? 'quick' : 'full',
    f16Tier: 'full',
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const [p, plain] of blockProblems[layout].prefill(dtype).entries()) {
        const poisoned = poisonUnused(plain, NaN);
        const problem = withMods(poisoned, blockMaskPairs.band);
        const both = withMods(poisoned, () =>
          mods({
            maskMod: (b, h, q, kv, c) => q >= kv && q - kv <= c.left && (kv % 2 === 1 || q < 20),
            captures: { left: 140 },
          }),
        );
        const got = await flexLaunch(gpu, problem, dtype, {
          numSplits: 1,
          blockSize: 64,
          beside: oddKeys,
        });
        checks.push(...isRight(`problem ${p}`, got, both, dtype));
      }
      return checks;
    },
  }),
);

/** Rows before the first sequence and after the last see no key, and have no blocks. */
const ownerlessRows = defineCase('flex-block-masks', 'rows-of-nobody', {
  f16Tier: 'full',
  tags: ['browser'],
  async run(gpu, dtype) {
    const [qLens, kLens] = [
      [1, 2, 1],
      [290, 40, 0],
    ];
    const spec = { dtype, heads: [4, 2], dim: 16, qLens, kLens, spareRows: [40, 9] } as const;
    const moved = movedOn(packedProblem(spec), [37, 4]);
    const problem = withMods(poisonUnused(moved, NaN), blockMaskPairs.unbounded);
    const options = { numSplits: 3, gpuLengths: true };
    const want = await flexLaunch(gpu, problem, dtype, options);
    const checks = isRight('maskMod', want, problem, dtype);
    for (const blockSize of [32, 128]) {
      const got = await flexLaunch(gpu, problem, dtype, { ...options, blockSize });
      checks.push(...sameRun(`blocks of ${blockSize}`, got, want));
    }
    return checks;
  },
});

export const blockMaskCases: readonly RunnableCase[] = [...byBlocks, ...beside, ...ownerlessRows];
