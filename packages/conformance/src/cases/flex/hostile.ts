import { type Check, finite } from '../../budget/output-checks.ts';
import { normalTable } from '../../problems/captured-tables.ts';
import { guardedOut, Scope } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { random } from '../../reference/seeded-random.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight, sameSequences } from '../expect.ts';
import { attacks } from '../hostile/attacks.ts';

const bias = normalTable([40, 30], random(81));

/** Reads tables at whatever rows and positions the lengths claim, and prunes by the position. */
const pair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c, { qRow, kvRow }) =>
      s + c.bias[qRow + b]![kvRow]! - c.bias[q]![kv]!,
    maskMod: (b, h, q, kv, c) => q - kv < c.left && (kv & 7) !== 5,
    captures: { bias: given(bias), left: 50 },
  });

// One of each layout and kind of lie is quick.
const quick = ['packed/used-huge', 'packed/cu-q-unsorted', 'paged/ids-extreme', 'paged/all-max'];

/** Lengths on the GPU that no host check has seen, with mods that use them as indices: nothing breaks, honest rows are right. */
export const hostileCases: readonly Case[] = Object.entries(attacks).flatMap(([name, attack]) =>
  defineCase('flex-hostile', name, {
    tier: quick.includes(name) ? 'quick' : 'full',
    f16Tier: 'full',
    tags: name === 'packed/used-huge' ? ['browser'] : [],
    async run(gpu, dtype) {
      const { problem: build, lengths, honest = [] } = attack(dtype);
      const problem = withMods({ ...build(dtype), options: {} }, pair);
      const scope = new Scope(gpu);
      try {
        const { out, untouched } = guardedOut(scope, problem.q.shape, dtype);
        const options = { numSplits: 3, gpuLengths: true };
        const hostile = { ...problem, ...lengths };
        const got = await flexLaunch(gpu, hostile, dtype, { ...options, out });
        const truth = await flexLaunch(gpu, problem, dtype, options);
        const checks: Check[] = [await untouched(), finite('out', got.out)];
        for (const b of honest)
          checks.push(
            ...sameSequences(`honest sequence ${b}`, [problem, got, [b]], [problem, truth, [b]]),
          );
        return [...checks, ...isRight('the next call', truth, problem, dtype)];
      } finally {
        scope.dispose();
      }
    },
  }),
);
