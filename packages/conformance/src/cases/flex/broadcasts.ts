import type { Check } from '../../budget/output-checks.ts';
import { random } from '../../reference/seeded-random.ts';
import { denseProblem } from '../../problems/build-problem.ts';
import { type Pair, mods, withMods } from '../../problems/launch-flex.ts';
import { normalTable, type TablePlacement } from '../../problems/captured-tables.ts';
import { type Case, defineCase } from '../case.ts';
import { rightBySplits } from './pairs.ts';

const sizes = [2, 4, 40, 50] as const;
const placements: readonly TablePlacement[] = ['contiguous', 'reversed', 'middle'];

/** A bias of rank 4 in which some axes have size 1. */
const biasOf =
  (shape: readonly number[], placement: TablePlacement): Pair =>
  (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[b]![h]![q]![kv]!,
      captures: { bias: given({ ...normalTable(shape, random(7)), placement }) },
    });

/** Every set of axes of size 1, each lying in every way: all of it one kernel, since shapes and strides are data. */
export const broadcastCases: readonly Case[] = Array.from({ length: 16 }, (_, set) =>
  sizes.map((size, axis) => ((set >> axis) & 1 ? 1 : size)),
).flatMap((shape) =>
  defineCase('flex-broadcasts', shape.join('x'), {
    tags: shape[2] === shape[3] ? ['browser'] : [],
    f16Tier: 'full',
    async run(gpu, dtype) {
      const plain = denseProblem({ dtype, batch: 2, lq: 40, lk: 50, dim: 16 });
      const checks: Check[] = [];
      for (const placement of placements) {
        const problem = withMods(
          { ...plain, options: { align: 'start' } },
          biasOf(shape, placement),
        );
        checks.push(...(await rightBySplits(gpu, problem, dtype, [1], `${placement} `)));
      }
      return checks;
    },
  }),
);
