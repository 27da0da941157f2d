import { type Check, sameRun } from '../../budget/output-checks.ts';
import { normalTable, placed } from '../../problems/captured-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import { type Case, defineCase } from '../case.ts';
import { kernels, layouts } from './layouts.ts';

const bias = placed(normalTable([200], random(91), 'f16'), 'middle');

/** Two tables, so that one of them is gathered and the mask's is summarised anew in each run. */
const pair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => Math.tanh(s) + c.bias[q - kv + 100]!,
    maskMod: (b, h, q, kv, c) => c.other[kv]! < 1,
    captures: { bias: given(bias), other: given(normalTable([70], random(92))) },
  });

/** The same call again gives the same bits. */
export const determinismCases: readonly Case[] = kernels.flatMap(([layout, rows]) =>
  defineCase('flex-determinism', `${layout}-${rows}`, {
    tier: layout === 'packed' && rows === 'decode' ? 'quick' : 'full',
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const [p, plain] of layouts[layout][rows](dtype).entries()) {
        const problem = withMods(poisonUnused(plain, NaN), pair);
        const first = await flexLaunch(gpu, problem, dtype);
        for (let run = 1; run < 4; run++)
          checks.push(
            ...sameRun(`problem ${p} run ${run}`, await flexLaunch(gpu, problem, dtype), first),
          );
      }
      return checks;
    },
  }),
);
