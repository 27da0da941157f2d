import { compileMod } from '@heed/flex';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printProgram } from '../programs/ast.ts';
import { maskProgram, scoreProgram } from '../programs/generate.ts';
import { runReference } from '../programs/reference.ts';
import { runs } from '../programs/runs.ts';
import {
  argumentsOf,
  captureValues,
  clampedCaptures,
  declared,
  functionOf,
  pairs,
  worldOf,
} from '../programs/world.ts';

const tries = runs(300, 1);
const somePairs = fc.array(pairs, { minLength: 4, maxLength: 4 });

describe.each([
  ['score', scoreProgram],
  ['mask', maskProgram],
] as const)('random %s programs', (kind, programs) => {
  it(
    'mean the same compiled as in JavaScript, where that is exact in f32 and i32',
    { timeout: 120_000 },
    () => {
      let [compared, strange] = [0, 0];
      fc.assert(
        fc.property(programs, captureValues, somePairs, (program, values, all) => {
          const text = printProgram(program);
          const original = functionOf(text);
          const { js } = compileMod(original, declared(values), { kind });
          for (const pair of all) {
            const want = runReference(program, worldOf(values, pair));
            const clamped = argumentsOf(kind, clampedCaptures(values), pair);
            if (!want.strange) {
              expect(original(...clamped), `the reference of ${text}`).toBe(want.value);
            }
            if (!want.exact) continue;
            compared++;
            if (want.strange) strange++;
            const isHidden = typeof want.value === 'number' && want.value <= -1e30;
            const value = isHidden ? -Infinity : want.value;
            expect(js(...argumentsOf(kind, values, pair)), text).toBe(value);
          }
        }),
        tries,
      );
      expect(compared).toBeGreaterThan(tries.numRuns * 2);
      expect(strange).toBeGreaterThan(tries.numRuns / 20);
    },
  );
});
