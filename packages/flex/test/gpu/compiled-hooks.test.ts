import type { Gpu } from '@heed/core';
import { isFullRun, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileMod, f32, flexAttention, type ScoreMod } from '../../src/index.ts';
import { twin } from '../../src/text/backends/twin.ts';
import { jsMod } from '../../src/text/compile/compile-mod.ts';
import {
  type CompiledMod,
  compileResolved,
  toMaskHook,
  toScoreHook,
} from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { type Block, blocks, capturedBy, judge } from '../programs/block-bounds.ts';
import { value } from '../programs/expect-same.ts';
import { library, type LibraryCase, nestedValues, type Table } from '../programs/library.ts';
import {
  indexMask,
  intScore,
  maskProgram,
  printProgram,
  type Program,
  scoreProgram,
} from '../programs/random-programs.ts';
import { runReference } from '../programs/reference.ts';
import {
  type CaptureValues,
  captureValues,
  declared,
  functionOf,
  pairs,
  worldOf,
} from '../programs/world.ts';
import { type AnyHook, type GpuPair, packTables, runPairs, runSpans } from './hook-kernel.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Functions in one shader, and shaders: compile time is what this test takes. */
const FUNCTIONS = 20;
const SHADERS = isFullRun() ? 3 : 1;

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

const floatOf = (bits: number): number => new Float32Array(new Uint32Array([bits]).buffer)[0]!;

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
          expect(kind === 'score' ? floatOf(bits) : bits === 1, text).toBe(want.value);
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
        expect([...got[i]!].map(floatOf), `${text} with n = ${n}`).toEqual(want);
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

const captures = { zero: f32(0), y: f32(-0.5) };

/** The first have the same bits everywhere; WGSL gives the others room. */
const exact = [
  's % 0.1',
  '(-s) % 0.3',
  's % 1e-20',
  's % 3e38',
  's % c.zero',
  '(q - kv) % 0.7',
  's / 0',
  'q / 0',
  's / -0',
  'q / c.zero',
  '(q - kv) ** -1',
  'Math.atan2(q - kv, q - kv) * (q === kv ? 1 : 0)',
];
const near = [
  's + Math.abs(q - kv) ** -0.5',
  '(q - kv) ** -0.5',
  '(q - kv) ** c.y',
  '(q - kv) ** -3',
  'Math.abs(q - kv) ** 20',
  'Math.atan2(kv - q, q)',
  'Math.log(q - kv) + s',
  'Math.log2(q - kv)',
  'Math.log10(Math.max(s, 0))',
];

const edgePairs: GpuPair[] = [0, 0.5, 1, -1, 7, 100, -3.25, 1e9, 1e30, 2.5e38].flatMap((score) =>
  [-2, 0, 1, 4].map((q) => ({ score, b: 0, h: 0, q, kv: 1, qLen: 8, kvLen: 8 })),
);

const scoreOf = (bits: number): number => {
  const score = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
  return score > -1e30 ? Math.min(score, Math.fround(1e38)) : -Infinity;
};

describe('where numbers end', { tags: ['device'] }, () => {
  it('the twin and the GPU agree', async () => {
    const all = [...exact, ...near].map((text) => {
      const resolution = resolve('test', functionOf(value(text)), captures);
      const mod = compileResolved('test', resolution, 'score');
      return { text, mod, js: jsMod(mod, resolution) };
    });
    const hooks = all.map(({ mod }, i) => toScoreHook(mod, `f${i}`));
    const { words, places: tables } = packTables([]);
    const got = await runPairs(gpu, hooks, { scalars: [0, -0.5], tables }, words, edgePairs);
    for (const [i, { text, js }] of all.entries()) {
      for (const [j, pair] of edgePairs.entries()) {
        const { score, b, h, q, kv } = pair;
        const want = js(score, b, h, q, kv) as number;
        const actual = scoreOf(got[i]![j]!);
        const margin = i < exact.length ? 0 : 1e-5 + 1e-3 * Math.abs(want);
        const isSame = actual === want || Math.abs(actual - want) <= margin;
        expect(isSame, `${text} of ${score}, ${q}: ${actual}, not ${want}`).toBe(true);
      }
    }
  });

  it('a finite score never hides its pair, however large', async () => {
    const scoreMod: ScoreMod<{ factor: number }> = (s, b, h, q, kv, { factor }) => s * factor;
    const scores = [0.5, 1e38, 2e38, 2.5e38, 3.4e38, -1e29, -3e38];
    const q = gpu.tensor(scores, { shape: [1, 1, scores.length, 1] });
    const one = gpu.tensor([1], { shape: [1, 1, 1, 1] });
    const options = { align: 'start', scale: 1, numSplits: 1, returnLse: true } as const;
    const mods = { scoreMod, captures: { factor: f32(1) } };
    const { out, lse } = flexAttention(q, one, one, { ...options, ...mods });
    const { js } = compileMod(scoreMod, mods.captures);
    const want = scores.map((score) => js(Math.fround(score), 0, 0, 0, 0));
    expect(await out.read()).toEqual(Float32Array.of(1, 1, 1, 1, 1, 1, 0));
    for (const [i, got] of (await lse.read()).entries()) {
      expect(got === want[i] || Math.abs(got / want[i]! - 1) < 1e-6, `${got}, ${want[i]}`).toBe(
        true,
      );
    }
  });
});

const indices = [-33, -6, -1, 0, 1, 2, 4, 7, 8, 23, 24, 31, 32, 47, 48, 63, 64, 95, 96, 200];

/** On both sides of every boundary of the cases, and outside their tables. */
const boundaryPairs: GpuPair[] = indices.flatMap((q) =>
  indices
    .filter((kv) => kv >= 0)
    .map((kv) => {
      const n = Math.abs(31 * q + kv);
      const score = [-80, -1.25, 0, 0.375, 6, 300][n % 6]!;
      return { score, b: n % 3, h: n % 7, q, kv, qLen: 70, kvLen: 96 };
    }),
);

interface Hooked extends LibraryCase {
  readonly compiled: CompiledMod;
  readonly hook: AnyHook;
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly Table[];
}

function hooked(entry: LibraryCase, i: number): Hooked {
  const resolution = resolve('test', entry.mod, entry.values);
  const compiled = compileResolved('test', resolution, entry.kind);
  const hook =
    compiled.kind === 'score' ? toScoreHook(compiled, `m${i}`) : toMaskHook(compiled, `m${i}`);
  const { scalars, tables } = resolution;
  return { ...entry, compiled, hook, scalars, tables: tables as readonly Table[] };
}

/** The hooks with captures that follow one another, so that one shader has them all. */
function joined(all: readonly Hooked[]): AnyHook[] {
  const next = { scalar: 0, table: 0 };
  return all.map(({ hook, scalars, tables }) => {
    const first = { ...next };
    next.scalar += scalars.length;
    next.table += tables.length;
    const params = hook.params.map((field) => {
      const { slot } = field.source;
      const moved = { ...slot, capture: slot.capture + first[slot.kind] };
      return { ...field, source: { ...field.source, slot: moved } as typeof field.source };
    });
    return { ...hook, params };
  });
}

function twinResults({ compiled, values, scalars }: Hooked): (number | boolean)[] {
  const run = twin([compiled.root]);
  const nested = nestedValues(values);
  const slots = {
    scalars: compiled.scalars.map(({ capture }) => scalars[capture]!),
    tables: compiled.tables.map(({ name }) => nested[name] as number[]),
  };
  return boundaryPairs.map((pair) => run({ inputs: { ...pair }, ...slots })[0]!);
}

it('mods and masks mean on the GPU what their twins mean', async () => {
  const all = library.map(hooked);
  const { words, places } = packTables(all.flatMap(({ tables }) => tables));
  const values = { scalars: all.flatMap(({ scalars }) => scalars), tables: places };
  const got = await runPairs(await testGpu(), joined(all), values, words, boundaryPairs);
  for (const [i, entry] of all.entries()) {
    for (const [j, want] of twinResults(entry).entries()) {
      const bits = got[i]![j]!;
      const where = `${entry.name} at ${JSON.stringify(boundaryPairs[j])}: want ${want}`;
      if (typeof want === 'boolean') expect(bits === 1, where).toBe(want);
      // exp and tanh may be off by some ulp of what they take.
      else expect(Math.abs(floatOf(bits) - want), where).toBeLessThan(1e-5 * (1 + Math.abs(want)));
    }
  }
});
