import { finite } from '../../budget/output-checks.ts';
import { packedProblem } from '../../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { type Case, defineCase } from '../case.ts';
import { attacks } from '../hostile/attacks.ts';
import { areRight, sameGradients } from './expect.ts';
import { base } from './problem-cases.ts';

const packedAttacks = Object.entries(attacks).filter(([name]) => name.startsWith('packed/'));

/** Lengths that lie: every element of a gradient is written and finite, and the same again; the next honest call is right. */
export const hostileCases: readonly Case[] = packedAttacks.flatMap(([name, attack]) =>
  defineCase('backward-hostile', name, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = packedProblem({
        ...base,
        dtype,
        qLens: [5, 1, 33, 9],
        kLens: [40, 64, 40, 33],
        options: { causal: true },
      });
      const by = resultGradients(problem, dtype);
      const options = { gpuLengths: true };
      const hostile = { ...problem, ...attack(dtype).lengths };
      const got = await launchBackward(gpu, hostile, by, dtype, options);
      const again = await launchBackward(gpu, hostile, by, dtype, options);
      const next = await launchBackward(gpu, problem, by, dtype);
      return [
        ...(['dq', 'dk', 'dv'] as const).map((gradient) => finite(gradient, got[gradient])),
        ...sameGradients('again', again, got),
        ...areRight('the next call', next, problem, by, dtype),
      ];
    },
  }),
);
