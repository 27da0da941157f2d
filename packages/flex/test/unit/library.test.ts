import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import * as masks from '../../src/masks/index.ts';
import * as mods from '../../src/mods/index.ts';
import { clampingValues, library, nestedValues, table } from '../programs/library.ts';
import { load, minifiers, settings } from '../programs/minifiers.ts';

type Mod = (...args: readonly unknown[]) => number | boolean;

const indices = [-33, -6, -1, 0, 1, 2, 4, 5, 7, 8, 23, 24, 31, 32, 47, 48, 63, 64, 95, 96, 200];
const scores = [-80, -1.25, 0, 0.375, 6, 300];

/** Pairs with indices on both sides of every boundary of the cases, and outside their tables. */
function* argumentsOf(kind: 'score' | 'mask'): Generator<readonly unknown[]> {
  for (const q of indices) {
    for (const kv of indices.filter((index) => index >= 0)) {
      const n = Math.abs(31 * q + kv);
      const rest = [n % 3, n % 7, q, kv];
      yield kind === 'score' ? [scores[n % scores.length], ...rest] : rest;
    }
  }
}

const lengths = { qLen: 70, kvLen: 96, qRow: 0, kvRow: 0 };

describe.for(library)('$name', ({ kind, mod, values }) => {
  it('means the same compiled as called', () => {
    const { js } = compileMod(mod, values);
    const [nested, clamped] = [nestedValues(values), clampingValues(values)];
    const results = new Set<unknown>();
    for (const args of argumentsOf(kind)) {
      const want = (mod as Mod)(...args, clamped, lengths);
      const got = js(...args, nested, lengths);
      results.add(got);
      if (typeof want === 'boolean') {
        expect(got, String(args)).toBe(want);
      } else {
        const off = Math.abs((got as number) - want);
        expect(off, `${args.join()}: ${got}, want ${want}`).toBeLessThan(
          1e-6 * (1 + Math.abs(want)),
        );
      }
    }
    expect(results.size).toBeGreaterThan(1);
  });
});

/** Rows are queries, the last of the keys; columns are keys. */
function picture(
  mod: Function,
  values: Record<string, unknown>,
  kvLen: number,
  qLen: number = kvLen,
): string[] {
  const info = { qLen, kvLen, qRow: 0, kvRow: 0 };
  const cell = (q: number, kv: number): string =>
    (mod as Mod)(0, 0, q, kv, values, info) ? '█' : '░';
  return Array.from({ length: qLen }, (_, i) =>
    Array.from({ length: kvLen }, (__, kv) => cell(i + kvLen - qLen, kv)).join(''),
  );
}

// catalogue.test.ts has the pictures of the docstrings.
describe('pictures', () => {
  it('causal', () => {
    expect(picture(masks.causal, {}, 5, 2)).toEqual(['████░', '█████']);
  });

  it('slidingWindow', () => {
    const none = picture(masks.slidingWindow, { window: 0 }, 5);
    expect(none).toEqual(['█░░░░', '░█░░░', '░░█░░', '░░░█░', '░░░░█']);
  });

  it('prefixLm', () => {
    const second = (...[, ...args]: unknown[]) => (masks.prefixLm as Mod)(1, ...args);
    const rows = ['██░░', '██░░', '███░', '████'];
    expect(picture(second, { prefix: [4, 2] }, 4)).toEqual(rows);
  });

  it('tree', () => {
    const ancestors = [[0b0001], [0b0011], [0b0101], [0b1011]];
    const rows = ['███░░░', '████░░', '███░█░', '████░█'];
    expect(picture(masks.tree, { ancestors }, 6, 4)).toEqual(rows);
  });

  it('natten2d', () => {
    const square = picture(masks.natten2d, { height: 3, width: 4, kernel: 3 }, 12);
    const row = ['███░███░███░', '███░███░███░', '░███░███░███', '░███░███░███'];
    expect(square).toEqual([...row, ...row, ...row]);
    const tall = picture(masks.natten2d, { height: 5, width: 3, kernel: 3 }, 15);
    expect(tall.filter((_, i) => i % 3 === 0)).toEqual([
      '█████████░░░░░░',
      '█████████░░░░░░',
      '░░░█████████░░░',
      '░░░░░░█████████',
      '░░░░░░█████████',
    ]);
    const even = picture(masks.natten2d, { height: 1, width: 5, kernel: 2 }, 5);
    expect(even).toEqual(['██░░░', '██░░░', '░██░░', '░░██░', '░░░██']);
  });
});

describe('score mods', () => {
  const run = (mod: Function, captures: Record<string, unknown>, ...args: number[]): number =>
    compileMod(mod, captures).js(...args) as number;

  it('are what their definitions say', () => {
    expect(run(mods.alibi, { slopes: [1, 0.5] }, 3, 0, 1, 2, 6)).toBe(1);
    expect(run(mods.alibi, { slopes: [1, 0.5] }, 3, 0, 1, 6, 2)).toBe(1);
    expect(run(mods.softcap, { cap: 2 }, 1, 0, 0, 0, 0)).toBeCloseTo(2 * Math.tanh(0.5), 6);
    expect(run(mods.headGate, { gate: [9, 0] }, 3, 0, 1, 0, 0)).toBe(1.5);
    const bias = [[10, 20, 30, 40, 50]];
    const at = (q: number, kv: number) =>
      run(mods.relativeBias, { bias, maxDistance: 2 }, 1, 0, 0, q, kv);
    expect([0, 1, 2, 3, 4, 5, 6].map((q) => at(q, 3))).toEqual([11, 11, 21, 31, 41, 51, 51]);
  });

  it('absoluteBias is the same along every axis of size 1', () => {
    const shape = [2, 3, 4, 5];
    for (let ones = 0; ones < 16; ones++) {
      const small = shape.map((size, axis) => ((ones >> axis) & 1 ? 1 : size));
      const bias = table('f32', small, (i) => i);
      const { js } = compileMod(mods.absoluteBias, { bias });
      const nested = nestedValues({ bias });
      for (const index of [
        [0, 0, 0, 0],
        [1, 2, 3, 4],
        [1, 0, 2, 1],
        [0, 1, 1, 3],
      ] as [number, number, number, number][]) {
        const at = index.map((i, axis) => (small[axis] === 1 ? 0 : i));
        const want = at.reduce((sum, i, axis) => sum * small[axis]! + i, 0);
        expect(js(100, ...index, nested), String(small)).toBe(100 + want);
      }
    }
  });

  it('may hide a pair by −∞', () => {
    expect(run(mods.absoluteBias, { bias: [[[[0, -Infinity]]]] }, 1, 0, 0, 0, 1)).toBe(-Infinity);
  });

  it('headGate has finite derivatives, closed or open', () => {
    const { derivative } = compileMod(mods.headGate, { gate: [-200, 0, 200] });
    const at = (h: number) => derivative!.js(4, 0, h, 0, 0);
    expect([0, 1, 2].map((h) => at(h).score)).toEqual([expect.closeTo(0), 0.5, 1]);
    expect([0, 1, 2].map((h) => at(h).tables[0])).toEqual([
      expect.closeTo(0),
      1,
      expect.closeTo(0),
    ]);
  });
});

const bundle = (folder: string): string =>
  buildSync({
    entryPoints: [new URL(`../../src/${folder}/index.ts`, import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    write: false,
  }).outputFiles[0]!.text;

describe.for(Object.entries({ ...minifiers, ...settings }))('after %s', ([, shrink]) => {
  it('all compile to the same programs', async () => {
    const [smallMods, smallMasks] = await Promise.all(
      ['mods', 'masks'].map(async (folder) => load(await shrink(bundle(folder)))),
    );
    const small = { ...smallMods, ...smallMasks };
    for (const { name, mod, values } of library) {
      const copy = small[mod.name]!;
      expect(compileMod(copy, values).hash, name).toBe(compileMod(mod, values).hash);
    }
  });
});
