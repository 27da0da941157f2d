import { describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  compileMod,
  f32,
  i32,
  type MaskMod,
  notMask,
  orMasks,
  type ScoreMod,
} from '../../src/index.ts';
import { body, expectSame, value } from '../programs/expect-same.ts';
import { functionOf } from '../programs/world.ts';

type Window = { window: number };
const slidingWindow: MaskMod<Window> = (b, h, q, kv, c) => q - kv < c.window;
const causal: MaskMod = (b, h, q, kv) => q >= kv;
const even: MaskMod = (b, h, q, kv) => kv % 2 === 0;

const keys = Array.from({ length: 12 }, (_, i) => i);

/** The keys that query 8 sees: by the function itself, and compiled. */
function seen(mask: MaskMod<never>, captures: Record<string, unknown> = {}): number[] {
  const { js, kind } = compileMod(mask, captures);
  expect(kind).toBe('mask');
  const compiled = keys.filter((kv) => js(0, 0, 8, kv));
  const info = { qLen: 12, kvLen: 12, qRow: 8, kvRow: 0 };
  expect(keys.filter((kv) => mask(0, 0, 8, kv, captures as never, info))).toEqual(compiled);
  return compiled;
}

describe('bind', () => {
  it('gives a mod its own scope', () => {
    const narrow = bind(slidingWindow, { window: 2 });
    const wide = bind(slidingWindow, { window: 5 });
    expect(seen(andMasks(causal, narrow))).toEqual([7, 8]);
    expect(seen(andMasks(causal, wide, notMask(narrow)))).toEqual([4, 5, 6]);
  });

  it('goes before the captures of the call, which fill what is unbound', () => {
    type Both = Window & { shift: number };
    const shifted: MaskMod<Both> = (b, h, q, kv, c) => Math.abs(q - c.shift - kv) < c.window;
    expect(seen(bind(shifted, { window: 1 }), { window: 9, shift: 3 })).toEqual([5]);
    expect(seen(bind(bind(shifted, { window: 1 }), { window: 9, shift: 4 }))).toEqual([4]);
  });

  it('reaches through combined masks', () => {
    const both = andMasks(slidingWindow, causal);
    expect(seen(bind(both as MaskMod<never>, { window: 3 }))).toEqual([6, 7, 8]);
    const nested = orMasks(bind(both as MaskMod<never>, { window: 1 }), bind(even, { window: 7 }));
    expect(seen(nested)).toEqual([0, 2, 4, 6, 8, 10]);
  });

  it('works on score mods, and on mods among the captures', () => {
    const scaled: ScoreMod<{ factor: number }> = (s, b, h, q, kv, c) => s * c.factor;
    const twice = bind(scaled, { factor: 2 });
    const outer = functionOf(
      '(s, b, h, q, kv, c, info) => c.inner(s + c.shift, b, h, q, kv, c, info)',
    );
    const short = functionOf('(s, b, h, q, kv, c) => c.inner(s, b, h, q, kv) + c.shift');
    expect(compileMod(twice).js(3, 0, 0, 0, 0)).toBe(6);
    expect(compileMod(outer, { inner: twice, shift: 1, factor: 9 }).js(3, 0, 0, 0, 0)).toBe(8);
    expect(compileMod(short, { inner: twice, shift: 1 }).js(3, 0, 0, 0, 0)).toBe(7);
    expect((twice as Function)(3, 0, 0, 0, 0)).toBe(6);
  });

  it('works on helpers, called with numbers only', () => {
    const decay = bind(((x: number, c: { rate: number }) => x * c.rate) as (x: number) => number, {
      rate: 0.5,
    });
    const fn = functionOf('(s, b, h, q, kv, c) => s - c.decay(q - kv)');
    expect((decay as Function)(4)).toBe(2);
    expect(compileMod(fn, { decay }).js(1, 0, 0, 6, 2)).toBe(-1);
  });

  it('keeps the values that it was given, whatever becomes of the object', () => {
    const captures: Record<string, unknown> = { window: 2, table: [[1], [2]] };
    const bound = bind(
      functionOf('(s, b, h, q, kv, c) => s + c.window + c.table[q][kv]'),
      captures as never,
    );
    (captures['table'] as number[][])[1]![0] = 50;
    Object.assign(captures, { window: 9, self: bound });
    expect(compileMod(bound).js(0, 0, 0, 1, 0)).toBe(4);
    expect((bound as Function)(0, 0, 0, 1, 0)).toBe(4);
  });
});

describe('andMasks, orMasks and notMask', () => {
  it('mean what they say', () => {
    expect(seen(andMasks(causal, even))).toEqual([0, 2, 4, 6, 8]);
    expect(seen(orMasks(causal, even))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
    expect(seen(notMask(orMasks(causal, even)))).toEqual([9, 11]);
    expect(seen(andMasks(causal))).toEqual(seen(causal));
  });

  it('refuse an empty list', () => {
    expect(() => andMasks()).toThrow('andMasks: give at least one mask; got none');
    expect(() => orMasks()).toThrow('orMasks: give at least one mask; got none');
  });

  it('say which part is refused', () => {
    const bad = functionOf('(b, h, q, kv) => q > nowhere') as MaskMod;
    expect(() => compileMod(andMasks(causal, bad))).toThrow(
      /nowhere is not declared.*\n.*q > nowhere\n/,
    );
  });
});

describe('captured numbers', () => {
  const fn = functionOf('(s, b, h, q, kv, c) => q / 2 * c.factor');
  const hash = (factor: number): string => compileMod(fn, { factor }).hash;

  it('are i32 where they are whole and fit, else f32', () => {
    expect(hash(2)).toBe(hash(-7));
    expect(hash(2.5)).toBe(hash(0.1));
    expect(hash(2)).not.toBe(hash(2.5));
    expect(hash(2 ** 31)).toBe(hash(2.5));
    expect(hash(Infinity)).toBe(hash(2.5));
  });

  it('have the type that f32 and i32 fix', () => {
    expect(hash(f32(2))).toBe(hash(2.5));
    expect(hash(i32(2))).toBe(hash(2));
    expect(f32(0.1) * 10).toBe(Math.fround(0.1) * 10);
    expect(compileMod(fn, { factor: f32(3) }).js(0, 0, 0, 4, 0)).toBe(6);
    expect(() => i32(2.5)).toThrow('i32: the value must be a whole number');
  });
});

describe('the hash', () => {
  const hash = (source: string, captures = {}): string =>
    compileMod(functionOf(source), captures).hash;

  it('does not depend on names, on spelling, nor on captures that are not used', () => {
    const plain = '(score, b, h, q, kv, c) => score + c.x * q';
    expect(hash('(s, i, j, k, l, { y: m }) => { const p = m * k; return s + p; }', { y: 4 })).toBe(
      hash(plain, { x: 1 }),
    );
    expect(hash(plain, { unused: 2.5, also: [1], x: 3 })).toBe(hash(plain, { x: 1 }));
  });

  it('depends on what is computed, on types, and on the kind', () => {
    const all = [
      hash('(s) => s + 1'),
      hash('(s) => s + 2'),
      hash('(s) => s + 1.5'),
      hash('(s) => s - s'),
      hash('(s, b, h, q, kv, c) => s + c.t[q]', { t: { dtype: 'f32', shape: [2] } }),
      hash('(s, b, h, q, kv, c) => s + c.t[q]', { t: { dtype: 'f16', shape: [2] } }),
      hash('(s, b, h, q, kv, c) => s + c.t[q] + c.u[q]', { t: [1], u: [2] }),
      hash('(s, b, h, q, kv, c) => s + c.t[q] + c.t[q]', { t: [1], u: [2] }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('names mean what they mean in JavaScript', () => {
  describe('parameters and scopes', () => {
    it.for([
      '(s, b, h, q, kv, { n, x }) => s + n * x',
      '(s, b, h, q, kv, { n: count, x: factor = 9, missing = 4 }) => s + count * factor + missing',
      '(s, b, h, q, kv, { "n": count }, { qLen, kvLen: keys }) => count + qLen - keys',
      '(s, b, h, q, kv, c, { qRow = 5, kvRow }) => qRow - kvRow',
      'function (s, b, h, q, kv, c) { return s + c["n"]; }',
      'function named(s, b, h, q, kv, c) { return s + c.n; }',
      '({ method(s, b, h, q, kv, c) { return s + c.n; } }).method',
      'new (class { #hidden(s, b, h, q, kv, c) { return s + c.n; } get it() { return this.#hidden; } })().it',
      body('const { n, x: y } = c; return n - y;'),
      body('const { floor, max: most, PI } = Math; return floor(most(s, PI));'),
      body('{ let s = 1; s += q; } return s;'),
      body('let t = s; if (q > 2) { let t = 5; t++; } return t;'),
      body('var t = 1; if (q > kv) { var t = 2; } return s + t;'),
      body('let t; if (q > kv) t = 1; else t = 2; return t + s;'),
      body('return twice(s) + 1; function twice(a) { return a * 2; }'),
      body('const f = (a, b = a + 1) => a * b; return f(q) + f(kv, 2);'),
      body('const add = (a) => (b) => a + b; return add(q)(kv);'),
      body('let t = 0; const bump = (by) => { t += by; }; bump(q); bump(kv); return t;'),
      value('c.twice(q) + c.limit(q - kv, c)'),
      body('const { twice } = c; return twice(twice(s));'),
      body('if (q > kv) s = c.twice(s); return s;'),
    ])('%s', (source) => expectSame(source));
  });

  describe('closures', () => {
    it.for([
      body(
        'let t = 0; const f = (a) => { if (a > 2) return 1; t += 1; return 2; }; f(q); return t;',
      ),
      body(
        'let t = 0; const f = (a) => { if (a > 2) { t += 5; return 1; } t += 1; return 2; }; const r = f(q) + f(kv); return t * 10 + r;',
      ),
      body(
        'let t = 0; const f = (a) => { for (let i = 0; i < 4; i++) { if (i > a) return t; t += i; } return -1; }; const r = f(q); return t * 10 + r;',
      ),
      body('let t = 2; const f = (a) => { if (a > 2) return; t = a; }; f(q); return t;'),
      body('let t = 0; const f = () => (t += 1); return q > 1 && f() > 0 ? t : t - 5;'),
      body('let t = 0; const f = () => { t += 1; return t; }; return f() * 100 + f() * 10 + f();'),
      body('const f = (a) => () => a; const x = f(1), y = f(2); return x() * 10 + y();'),
      body('let f; for (let i = 0; i < 3; i++) { if (i === 1) f = () => i; } return f();'),
      body('let t = 5; const f = () => { let t = 1; t += q; return t; }; return f() + t;'),
      value('q > 2 ? (() => { if (kv > 1) return 1; return 2; })() : 3'),
    ])('%s', (source) => expectSame(source));
  });
});
