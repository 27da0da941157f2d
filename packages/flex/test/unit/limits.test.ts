import { CompileError, ValidationError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { andMasks, bind, compileMod, type MaskMod, notMask } from '../../src/index.ts';
import { functionOf } from '../programs/world.ts';

const list = (count: number, text: (i: number) => string, between = ''): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(between);
const lines = (text: string): string => `(s, b, h, q, kv, c) => { ${text} }`;

/** Each of these takes minutes or all memory where nothing counts, and less than a second where something does. */
const bombs: Readonly<Record<string, readonly [source: string, says: RegExp]>> = {
  'functions that call the one before twice': [
    lines(
      `const f0 = (x) => x + 1; ${list(24, (i) => `const f${i + 1} = (x) => f${i}(x) + f${i}(x * 2);`)} return f24(s);`,
    ),
    /more than 65536 steps to translate/,
  ],
  'defaults of parameters that call': [
    lines(
      `const f0 = (x) => x; ${list(24, (i) => `const f${i + 1} = (x, y = f${i}(x), z = f${i}(2 * x)) => y + z;`)} return f24(s);`,
    ),
    /more than 65536 steps/,
  ],
  'loops that call long functions': [
    lines(
      `const f = (x) => ${list(2000, () => 'x', '+')}; for (let i = 0; i < 200; i++) s = f(s); return s;`,
    ),
    /more than 65536 steps/,
  ],
  'branches over many variables': [
    lines(
      `${list(4000, (i) => `let v${i} = q;`)} ${list(4000, (i) => `q > ${i} && (v${i} = 1);`)} return v1;`,
    ),
    /more than 65536 steps/,
  ],
  'a long sum': [lines(`return ${list(2500, (i) => `s * ${i}.5`, '+')};`), /4096 is the most/],
  'deep brackets': [lines(`return ${'-('.repeat(900)}s${')'.repeat(900)};`), /nested too deep/],
  'deep blocks': [lines(`${'{'.repeat(900)} s++; ${'}'.repeat(900)} return s;`), /nested too deep/],
  'a deep conditional': [
    lines(`return ${list(900, (i) => `q === ${i} ? ${i} :`)} s;`),
    /nested too deep/,
  ],
  'a long source': [lines(`/*${'x'.repeat(2 ** 20)}*/ return s;`), /more than 1048576 characters/],
};

describe('a mod that would take for ever is refused', () => {
  it.for(Object.entries(bombs))('%s', ([, [source, says]]) => {
    let error: unknown;
    try {
      compileMod(functionOf(source), {}, { kind: 'score' });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CompileError);
    expect((error as Error).message).toMatch(says);
  });

  it('with more gradients than there are operations for', () => {
    const reads = list(1000, (i) => `s *= c.t[q + ${i}];`);
    const t = { dtype: 'f32', shape: [2000] };
    const compiled = compileMod(functionOf(lines(`${reads} return s;`)), { t });
    expect(() => compiled.derivative).toThrow(/more than 65536 operations/);
  });

  it('of compositions that lie in one another', () => {
    const causal: MaskMod = (b, h, q, kv) => q >= kv;
    let [deep, bound] = [causal, causal];
    for (let i = 0; i < 400; i++) [deep, bound] = [notMask(deep), bind(bound, { i })];
    expect(() => compileMod(deep)).toThrow(CompileError);
    expect(() => compileMod(bound)).toThrow(/at most 300 deep.*one andMasks\(\)/);
  });

  it('of values that hold themselves', () => {
    const table: unknown[] = [];
    table[0] = table;
    const reads = functionOf(lines('return c.table[0];'));
    expect(() => compileMod(reads, { table })).toThrow(ValidationError);
    expect(() => compileMod(reads, { table })).toThrow(/at most 4 dimensions/);
    // What is bound was copied, before there was a self in it.
    const captures: Record<string, unknown> = {};
    captures['self'] = bind(functionOf(lines('return c.self(s);')), captures as never);
    expect(() => compileMod(captures['self'] as never)).toThrow(/has no self/);
  });
});

describe('what takes no longer for being large compiles', () => {
  const compiles = (source: string, captures = {}): unknown =>
    compileMod(functionOf(source), captures).js(1, 0, 0, 1, 0, captures);

  it('a mask that is used twice, at every level of a composition', () => {
    const causal: MaskMod = (b, h, q, kv) => q >= kv;
    let mask = causal;
    for (let i = 0; i < 60; i++) mask = andMasks(mask, mask);
    expect(compileMod(mask).hash).toBe(compileMod(causal).hash);
  });

  it('a value that is used twice, at every step', () => {
    const doubled = `let x = Math.floor(s); ${'x = x + x;'.repeat(60)}`;
    expect(compiles(lines(`${doubled} return c.t[x];`), { t: [4, 7] })).toBe(7);
    const halves = list(60, (i) => `m = (m || kv > ${i}) && (m || kv < q * ${i + 2});`);
    const mask = `(b, h, q, kv) => { let m = q >= kv; ${halves} return m; }`;
    expect(compileMod(functionOf(mask)).js(0, 0, 1, 0)).toBe(true);
    const sums = 'x = x - (1 - x);'.repeat(60);
    compileMod(functionOf(`(b, h, q, kv) => { let x = kv; ${sums} return x > q; }`));
  });

  it('a long chain, many constants, many exits', () => {
    expect(compiles(lines(`return s${' + q'.repeat(2000)};`))).toBe(2001);
    const constants = list(20_000, (i) => `const constant_number_${i} = ${i}.5;`);
    expect(compiles(lines(`${constants} return s + constant_number_3;`))).toBe(4.5);
    expect(compiles(lines(`${list(500, (i) => `if (q === ${i}) return ${i};`)} return s;`))).toBe(
      1,
    );
  });
});
