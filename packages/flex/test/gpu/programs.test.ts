import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CompiledMod,
  compileResolved,
  toMaskHook,
  toScoreHook,
} from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { printProgram, type Program } from '../programs/ast.ts';
import { type Block, blocks, capturedBy, judge } from '../programs/blocks.ts';
import { indexMask, intScore, maskProgram, scoreProgram } from '../programs/generate.ts';
import { runReference } from '../programs/reference.ts';
import {
  captureValues,
  type CaptureValues,
  declared,
  functionOf,
  pairs,
  worldOf,
} from '../programs/world.ts';
import { packTables, runPairs, runSpans } from './hook-kernel.ts';
import { twin } from '../../src/text/backends/twin.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Functions in one shader, and shaders: compile time is what this test takes. */
const FUNCTIONS = 20;
const SHADERS = 3;

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, seed: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

interface Compiled {
  readonly program: Program;
  readonly text: string;
  readonly mod: CompiledMod;
}

function compileAll(
  programs: readonly Program[],
  values: CaptureValues,
  kind: 'score' | 'mask',
): Compiled[] {
  return programs.map((program) => {
    const text = printProgram(program);
    const resolution = resolve('test', functionOf(text), declared(values));
    return { program, text, mod: compileResolved('test', resolution, kind) };
  });
}

const hookOf = ({ mod }: Compiled, i: number) =>
  mod.kind === 'score' ? toScoreHook(mod, `f${i}`) : toMaskHook(mod, `f${i}`);

/** The capture values as the hooks get them: scalars and tables in the order of `declared`. */
function hookInputs(values: CaptureValues) {
  const { n, x, flag, ids, grid, bias, half } = values;
  const flat = (table: readonly unknown[]): number[] => table.flat() as number[];
  const { words, places } = packTables([
    { dtype: 'i32', shape: [40], data: flat(ids) },
    { dtype: 'i32', shape: [3, 5], data: flat(grid) },
    { dtype: 'f32', shape: [16], data: flat(bias) },
    { dtype: 'f16', shape: [2, 4], data: flat(half) },
  ]);
  return { words, values: { scalars: [n, x, flag], tables: places } };
}

const f32 = (bits: number): number => new Float32Array(new Uint32Array([bits]).buffer)[0]!;

describe.each([
  ['score', scoreProgram],
  ['mask', maskProgram],
] as const)('random %s programs on the GPU', (kind, programs) => {
  it.each(Array.from({ length: SHADERS }, (_, i) => i))(
    'shader %i: equal the reference where it is exact',
    async (seed) => {
      const [values] = sample(captureValues, 1, seed) as [CaptureValues];
      const compiled = compileAll(sample(programs, FUNCTIONS, seed), values, kind);
      const points = sample(pairs, 64, seed);
      const { words, values: given } = hookInputs(values);
      const got = await runPairs(gpu, compiled.map(hookOf), given, words, points);
      let [compared, strange] = [0, 0];
      for (const [i, { program, text }] of compiled.entries()) {
        for (const [j, pair] of points.entries()) {
          const want = runReference(program, worldOf(values, pair));
          if (!want.exact) continue;
          compared++;
          if (want.strange) strange++;
          const bits = got[i]![j]!;
          expect(kind === 'score' ? f32(bits) : bits === 1, text).toBe(want.value);
        }
      }
      expect(compared).toBeGreaterThan((FUNCTIONS * points.length) / 3);
      expect(strange).toBeGreaterThan(0);
    },
  );
});

describe('integers that wrap, divisors of 0 and indices out of range', { tags: ['device'] }, () => {
  it('mean the same on the GPU as in the twin', async () => {
    const [values] = sample(captureValues, 1, 11) as [CaptureValues];
    const compiled = compileAll(sample(intScore, FUNCTIONS, 11), values, 'score');
    const extreme = fc.constantFrom(
      0,
      1,
      -1,
      5,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 30 + 3,
      -(2 ** 29),
      65537,
    );
    const points = sample(fc.record({ ...pairsOf(extreme) }), 64, 12);
    const { words, values: given } = hookInputs(values);
    for (const n of [0, -1, 2 ** 31 - 1, -(2 ** 31), 3]) {
      const scalars = given.scalars.with(0, n);
      const got = await runPairs(gpu, compiled.map(hookOf), { ...given, scalars }, words, points);
      for (const [i, { text, mod }] of compiled.entries()) {
        const run = twin([mod.root]);
        const slots = {
          scalars: mod.scalars.map(({ capture }) => scalars[capture]!),
          tables: mod.tables.map(({ name }) => values[name as 'ids']),
        };
        const want = points.map((pair) => run({ inputs: { ...pair }, ...slots })[0] as number);
        expect([...got[i]!].map(f32), `${text} with n = ${n}`).toEqual(want);
      }
    }
  });
});

function pairsOf(index: fc.Arbitrary<number>) {
  return {
    score: fc.constant(0),
    b: index,
    h: index,
    q: index,
    kv: index,
    qLen: index,
    kvLen: index,
  };
}

describe('bounds of masks on the GPU', () => {
  it('are those of the twin where no table is summarised', async () => {
    const [values] = sample(captureValues, 1, 21) as [CaptureValues];
    const compiled = compileAll(sample(indexMask, FUNCTIONS, 21), values, 'mask');
    const spans = sample(blocks, 64, 22);
    const { words, values: given } = hookInputs(values);
    const got = await runSpans(
      gpu,
      compiled.map(({ mod }, i) => toMaskHook(mod, `f${i}`)),
      given,
      words,
      spans.map(spanWords),
    );
    for (const [i, { text, mod }] of compiled.entries()) {
      const verdictOf = judge(mod);
      const resolution = resolve('test', functionOf(text), declared(values));
      const captured = capturedBy(mod, values as never, resolution);
      for (const [j, block] of spans.entries()) {
        const { claimed, actual } = verdictOf(block, captured);
        const onGpu = (['empty', 'partial', 'full'] as const)[got[i]![3 * j]!]!;
        const isSame =
          mod.tables.length === 0 ? onGpu === claimed : onGpu === 'partial' || onGpu === actual;
        expect(isSame, `${text}: ${JSON.stringify({ block, onGpu, claimed, actual })}`).toBe(true);
      }
    }
  });
});

const spanWords = (s: Block): number[] => [
  s.b,
  s.hFirst,
  s.hLast,
  s.qFirst,
  s.qLast,
  s.kvFirst,
  s.kvLast,
  s.qLen,
  s.kvLen,
];
