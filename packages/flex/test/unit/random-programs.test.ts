import { compileMod } from '@heed/flex';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileResolved } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import {
  type BlockClass,
  blocks,
  capturedBy,
  judge,
  type Verdict,
} from '../programs/block-bounds.ts';
import {
  indexMask,
  maskProgram,
  printProgram,
  type Program,
  runs,
  scoreProgram,
} from '../programs/random-programs.ts';
import { runReference } from '../programs/reference.ts';
import {
  argumentsOf,
  type CaptureValues,
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

const someBlocks = fc.array(blocks, { minLength: 6, maxLength: 6 });

function judged(program: Program, values: CaptureValues): (block: never) => Verdict {
  const resolution = resolve('test', functionOf(printProgram(program)), declared(values));
  const mod = compileResolved('test', resolution, 'mask');
  const verdict = judge(mod);
  const captured = capturedBy(mod, values as never, resolution);
  return (block) => verdict(block, captured);
}

const isSound = ({ claimed, actual }: Verdict): boolean =>
  claimed === 'partial' || claimed === actual;

// Where sums and products wrap, and divisors are 0 or negative.
const extreme = fc.constantFrom(0, -1, 2 ** 29, 2 ** 30 + 7, 2 ** 31 - 1, -(2 ** 31), -(2 ** 30));
const extremeValues = fc
  .tuple(captureValues, extreme, fc.constantFrom(1e30, -1e38, 3e9, 1e-30))
  .map(([values, n, x]) => ({ ...values, n, x }));

describe.each([
  ['of indices', indexMask, captureValues],
  ['of indices, with extreme captures', indexMask, extremeValues],
  ['with statements, floats and tables', maskProgram, captureValues],
  ['with statements and extreme captures', maskProgram, extremeValues],
] as const)('bounds of random masks %s', (_, programs, captures) => {
  it('never claim full, empty or out of range what is not', { timeout: 120_000 }, () => {
    const claims: Record<BlockClass, number> = { full: 0, empty: 0, partial: 0 };
    fc.assert(
      fc.property(programs, captures, someBlocks, (program, values, all) => {
        const verdictOf = judged(program, values);
        for (const block of all) {
          const verdict = verdictOf(block as never);
          claims[verdict.claimed]++;
          expect(
            isSound(verdict),
            `${printProgram(program)}\n${JSON.stringify({ block, verdict })}`,
          ).toBe(true);
          expect(verdict.lost, printProgram(program)).toEqual([]);
        }
      }),
      runs(300, 2),
    );
    expect(Math.min(...Object.values(claims))).toBeGreaterThan(20);
  });
});
