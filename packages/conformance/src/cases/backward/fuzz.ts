import type { Check } from '../../budget/output-checks.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import { type Case, defineCase } from '../case.ts';
import { anyProblem } from '../fuzz.ts';
import { areRight } from './expect.ts';

/** Random problems of every layout, poisoned, with a gradient by lse every other time. */
function rounds(first: number, count: number): Case[] {
  return defineCase('backward-fuzz', `seeds-${first}-to-${first + count - 1}`, {
    tier: 'full',
    async run(gpu, dtype, signal) {
      const checks: Check[] = [];
      for (let seed = first; seed < first + count; seed++) {
        signal?.throwIfAborted();
        const problem = poisonUnused(anyProblem(random(seed), dtype), NaN);
        const by = resultGradients(problem, dtype, { lse: seed % 2 === 0 });
        const got = await launchBackward(gpu, problem, by, dtype);
        checks.push(...areRight(`seed ${seed}`, got, problem, by, dtype));
      }
      return checks;
    },
  });
}

export const fuzzCases: readonly Case[] = [0, 20, 40, 60].flatMap((first) => rounds(first, 20));
