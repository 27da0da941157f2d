import { testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { twin } from '../../src/text/backends/twin.ts';
import {
  type CompiledMod,
  compileResolved,
  toMaskHook,
  toScoreHook,
} from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { library, type LibraryCase, nestedValues, type Table } from '../programs/library.ts';
import { type AnyHook, type GpuPair, packTables, runPairs } from './hook-kernel.ts';

const indices = [-33, -6, -1, 0, 1, 2, 4, 7, 8, 23, 24, 31, 32, 47, 48, 63, 64, 95, 96, 200];

/** On both sides of every boundary of the cases, and outside their tables. */
const pairs: GpuPair[] = indices.flatMap((q) =>
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
  return pairs.map((pair) => run({ inputs: { ...pair }, ...slots })[0]!);
}

const f32 = (bits: number): number => new Float32Array(new Uint32Array([bits]).buffer)[0]!;

it('mods and masks mean on the GPU what their twins mean', async () => {
  const all = library.map(hooked);
  const { words, places } = packTables(all.flatMap(({ tables }) => tables));
  const values = { scalars: all.flatMap(({ scalars }) => scalars), tables: places };
  const got = await runPairs(await testGpu(), joined(all), values, words, pairs);
  for (const [i, entry] of all.entries()) {
    for (const [j, want] of twinResults(entry).entries()) {
      const bits = got[i]![j]!;
      const where = `${entry.name} at ${JSON.stringify(pairs[j])}: want ${want}`;
      if (typeof want === 'boolean') expect(bits === 1, where).toBe(want);
      // exp and tanh may be off by some ulp of what they take.
      else expect(Math.abs(f32(bits) - want), where).toBeLessThan(1e-5 * (1 + Math.abs(want)));
    }
  }
});
