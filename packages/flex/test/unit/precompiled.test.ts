import { CompileError, HeedError, ValidationError } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  compileMod,
  f32,
  type MaskMod,
  notMask,
  orMasks,
  type PrecompiledMod,
  type ScoreMod,
} from '../../src/index.ts';
import { maskProgram, printProgram, runs, scoreProgram } from '../programs/random-programs.ts';
import { argumentsOf, captureValues, declared, functionOf, pairs } from '../programs/world.ts';

const precompile = (mod: Function, captures = {}, options = {}): PrecompiledMod =>
  JSON.parse(JSON.stringify(compileMod(mod, captures, options))) as PrecompiledMod;

const near: MaskMod<{ window: number }> = (b, h, q, kv, c) => Math.abs(q - kv) <= c.window;
const causal: MaskMod = (b, h, q, kv) => q >= kv;
const biased: ScoreMod<{ bias: never; scale: number }> = (s, b, h, q, kv, c) =>
  s * c.scale + (c.bias[h] as number);
const bias = { dtype: 'f32', shape: [4] };

describe('a precompiled mod is the function that it was made from', () => {
  it.each([
    ['score', scoreProgram],
    ['mask', maskProgram],
  ] as const)('random %s mods: hash, WGSL, twin and JSON', (kind, programs) => {
    fc.assert(
      fc.property(programs, captureValues, pairs, (program, values, pair) => {
        const mod = compileMod(functionOf(printProgram(program)), declared(values), { kind });
        const json = JSON.parse(JSON.stringify(mod)) as PrecompiledMod;
        const again = compileMod(json, declared(values));
        expect(again.kind).toBe(kind);
        expect(again.hash).toBe(mod.hash);
        expect(again.wgsl).toBe(mod.wgsl);
        expect(JSON.parse(JSON.stringify(again))).toEqual(json);
        const args = argumentsOf(kind, values, pair);
        expect(again.js(...args)).toEqual(mod.js(...args));
        const bound = bind(json, values as never) as (...all: unknown[]) => unknown;
        expect(bound(...args)).toEqual(mod.js(...args));
      }),
      runs(100, 4),
    );
  });

  it('in compositions, which run on the CPU too', () => {
    const json = precompile(near, { window: 2 });
    const bound = bind(json, { window: 2 });
    const made = [
      andMasks(causal, bound),
      orMasks(notMask(json), precompile(causal)),
      andMasks(andMasks(json, causal), json),
    ];
    const plain = [
      andMasks(causal, bind(near, { window: 2 })),
      orMasks(notMask(near), causal),
      andMasks(andMasks(near, causal), near),
    ];
    const hash = (mask: Function): string => compileMod(mask, { window: 2 }).hash;
    expect(made.map(hash)).toEqual(plain.map(hash));
    expect(made[0]!(0, 0, 3, 1, {} as never, {} as never)).toBe(true);
    expect(made[0]!(0, 0, 3, 0, {} as never, {} as never)).toBe(false);
  });

  it('as a capture, asked about other pairs', () => {
    const moved = functionOf(
      '(b, h, q, kv, c, info) => c.inner(b, h, q + 1, kv, c, info)',
    ) as never as MaskMod;
    const captures = { inner: precompile(near, { window: 2 }) as never, window: 2 };
    const plain = { inner: near, window: 2 };
    expect(compileMod(moved, captures).hash).toBe(compileMod(moved, plain).hash);
  });

  it('a whole number may stand where a fraction was compiled', () => {
    const json = precompile(biased, { scale: 0.5, bias });
    const { js, hash } = compileMod(json, { scale: 2, bias });
    expect(hash).toBe(json.hash);
    expect(js(3, 0, 1, 0, 0, { bias: [1, 10] })).toBe(16);
  });
});

const rows = [
  [{ scale: 0.5 }, 'captures has no bias', /There are scale\./],
  [{ scale: true, bias }, 'captures.scale was compiled as f32; got bool', /one like it/],
  [{ scale: f32(1), bias: { dtype: 'i32', shape: [4] } }, 'a table of i32 with 1', /one like it/],
  [{ scale: 1, bias: { dtype: 'f32', shape: [4, 2] } }, 'a table of f32 with 2', /one like it/],
] as const;

describe('what does not fit a precompiled mod is refused', () => {
  const json = precompile(biased, { scale: 0.5, bias });

  it.for(rows)('%s', ([captures, says, remedy]) => {
    const compile = (): unknown => compileMod(json, captures);
    expect(compile).toThrow(CompileError);
    expect(compile).toThrow(says);
    expect(compile).toThrow(remedy);
  });

  it('a score mod as a mask', () => {
    expect(() => compileMod(json, { scale: 1, bias }, { kind: 'mask' })).toThrow(
      /a mask mod is wanted, and this is a score mod.*\n?.*scoreMod/,
    );
    expect(() => compileMod(andMasks(causal, json))).toThrow('a part of a mask is a score mod');
  });

  it('another version, or no mod at all', () => {
    expect(() => compileMod({ ...json, heedMod: 2 })).toThrow(/of version 1; got 2.*compileMod/);
    expect(() => compileMod({} as never)).toThrow(ValidationError);
    expect(() => bind(null as never, {})).toThrow(/must be a function, or one that compileMod/);
  });

  it('anything that compileMod did not write', () => {
    const { operations, captures } = json;
    const broken: unknown[] = [
      { ...json, kind: 'both' },
      { ...json, hash: '0' },
      { ...json, captures: null },
      { ...json, captures: captures.map((capture) => ({ ...capture, name: 7 })) },
      { ...json, captures: [...captures, { name: 'x', dtype: 'f64', rank: 1 }] },
      { ...json, operations: [] },
      { ...json, operations: 'x'.repeat(9) },
      { ...json, operations: [...operations, ['add', 0, 99]] },
      { ...json, operations: [['add', 0, 0]] },
      { ...json, operations: [...operations, ['const', 'f32', 'NaN']] },
      { ...json, operations: [...operations, ['toString', 0]] },
      {
        ...json,
        operations: [
          ['const', 'i32', 40],
          ['const', 'i32', 33],
          ['shl', 0, 1],
        ],
      },
      { ...json, operations: Array.from({ length: 5000 }, () => ['input', 'score']) },
      { ...json, operations: [['input', 'qFirst']] },
      { ...json, operations: [['capture', -1]] },
    ];
    for (const mod of broken) {
      expect(() => compileMod(mod as never, { scale: 1, bias }), JSON.stringify(mod)).toThrow(
        /a precompiled mod must be as compileMod wrote it/,
      );
    }
  });

  it('or it compiles to what its hash says', () => {
    const text = JSON.stringify(json);
    const at = fc.nat(text.length - 1);
    const letters = fc.constantFrom(...Array.from('0123456789-"[]{},:.eaf32itruscore'));
    fc.assert(
      fc.property(at, letters, fc.boolean(), (i, letter, isMore) => {
        let mod: unknown;
        try {
          mod = JSON.parse(text.slice(0, i) + letter + text.slice(isMore ? i : i + 1));
        } catch {
          return;
        }
        try {
          expect(compileMod(mod as never, { scale: 0.5, bias }).hash).toBe(json.hash);
        } catch (error) {
          expect(HeedError.is(error), String(error)).toBe(true);
        }
      }),
      runs(500, 6),
    );
  });
});
