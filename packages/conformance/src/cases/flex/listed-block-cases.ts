import type { Check } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import {
  flexLaunch,
  type FlexProblem,
  mods,
  type Pair,
  withMods,
} from '../../problems/launch-flex.ts';
import { type ListedBlocks, randomBlocks, withLists } from '../../problems/listed-blocks.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import type { Layout, Rows } from './pair-case.ts';

const base = { heads: [4, 2], dim: 16 } as const;

const pairs: Readonly<Record<string, Pair>> = {
  'without-mod': () => mods({}),
  band: () =>
    mods({ maskMod: (b, h, q, kv, c) => q >= kv && q - kv <= c.left, captures: { left: 70 } }),
};

/** A problem with NaN in unused memory, whose mask is that of lists. */
const listed = (plain: ReferenceProblem, pair: Pair, blocks: ListedBlocks): FlexProblem =>
  withLists(withMods(poisonUnused(plain, NaN), pair), blocks);

type Build = (dtype: FloatDType, pair: Pair) => readonly FlexProblem[];

/** Lists by batch entry and head, shared ones, fewer rows of blocks than the problem has, and columns beyond one word. */
const layouts: Readonly<Record<Layout, Readonly<Record<Rows, Build>>>> = {
  dense: {
    prefill: (dtype, pair) => [
      listed(
        denseProblem({ ...base, dtype, batch: 2, lq: 140, lk: 290 }),
        pair,
        randomBlocks([32, 32], [2, 4, 4, 10], 41),
      ),
      listed(
        denseProblem({ ...base, dtype, lq: 150, lk: 130, options: { align: 'start' } }),
        pair,
        randomBlocks([64, 96], [1, 1, 3, 2], 42),
      ),
      listed(
        denseProblem({ ...base, dtype, batch: 3, lq: 70, lk: 131, seqUsedK: [97, 0, 131] }),
        pair,
        randomBlocks([32, 32], [3, 1, 3, 5], 43),
      ),
    ],
    decode: (dtype, pair) => [
      listed(
        denseProblem({ ...base, dtype, batch: 2, lq: 1, lk: 1300 }),
        pair,
        randomBlocks([32, 32], [1, 4, 1, 41], 44),
      ),
    ],
  },
  packed: {
    prefill: (dtype, pair) => [
      listed(
        packedProblem({
          ...base,
          dtype,
          qLens: [70, 0, 33, 1],
          kLens: [150, 5, 33, 64],
          spareRows: [3, 3],
        }),
        pair,
        randomBlocks([32, 64], [4, 4, 3, 3], 45),
      ),
    ],
    decode: (dtype, pair) => [
      listed(
        packedProblem({ ...base, dtype, qLens: [1, 2, 1], kLens: [290, 40, 0] }),
        pair,
        randomBlocks([128, 32], [3, 1, 1, 10], 46),
      ),
    ],
  },
  paged: {
    prefill: (dtype, pair) => [
      listed(
        pagedProblem({ ...base, dtype, qLens: [100, 2], used: [190, 40], pageSize: 7 }),
        pair,
        randomBlocks([32, 32], [2, 1, 4, 6], 47),
      ),
    ],
    decode: (dtype, pair) => [
      listed(
        pagedProblem({ ...base, dtype, qLens: [1, 2, 1], used: [300, 33, 0], pageSize: 16 }),
        pair,
        randomBlocks([32, 32], [1, 4, 1, 10], 48),
      ),
    ],
  },
};

const quick = ['band/dense-prefill', 'without-mod/paged-decode', 'band/packed-decode'];

export const listedBlockCases: readonly RunnableCase[] = Object.entries(pairs).flatMap(
  ([name, pair]) =>
    (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
      (['prefill', 'decode'] as const).flatMap((rows) => {
        const id = `${name}/${layout}-${rows}`;
        return defineCase('flex-listed-blocks', id, {
          tier: quick.includes(id) ? 'quick' : 'full',
          f16Tier: 'full',
          tags: id === quick[0] ? ['browser'] : [],
          async run(gpu, dtype) {
            const checks: Check[] = [];
            for (const [p, problem] of layouts[layout][rows](dtype, pair).entries()) {
              for (const gpuLengths of [false, true]) {
                const options = { numSplits: rows === 'decode' ? 3 : 1, gpuLengths } as const;
                const got = await flexLaunch(gpu, problem, dtype, options);
                checks.push(
                  ...isRight(`problem ${p} ${JSON.stringify(options)}`, got, problem, dtype),
                );
              }
            }
            return checks;
          },
        });
      }),
    ),
);
