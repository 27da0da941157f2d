import { bareVars, nagaGaps, withoutComments } from '@heed/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import type { Node } from '../../src/text/ir/expression-node.ts';
import { relativeBias } from '../../src/mods/index.ts';
import { twin } from '../../src/text/backends/twin.ts';
import { atOffset, diagonalPart } from '../../src/text/backends/wgsl/hoisted-parts.ts';
import { inputsOf, ordered } from '../../src/text/ir/traversal.ts';
import { library } from '../programs/library.ts';
import { runs } from '../programs/random-programs.ts';
import { functionOf } from '../programs/world.ts';

const awkward = [
  (score: number, b: number, h: number, q: number, kv: number) =>
    q > 3 && (kv < 5 || q === kv) ? score ** 3 % 2.5 : Math.floor((q - kv) / 3) + Math.tanh(score),
  (b: number, h: number, q: number, kv: number) => !(q < kv && kv < 9) || (q ^ kv) % 3 === 0,
];

const mods = [
  ...library.map(({ name, mod, values }) => ({ name, wgsl: compileMod(mod, values).wgsl })),
  ...awkward.map((mod) => ({ name: String(mod), wgsl: compileMod(mod).wgsl })),
];

describe.for(mods)('the text of $name', ({ wgsl }) => {
  const text = withoutComments(wgsl);

  // It runs for every score, and some compilers never get through the branches that && and || are.
  it('has no short-circuit', () => {
    expect(text).not.toMatch(/&&|\|\|/);
  });

  it('initialises every variable', () => {
    expect(bareVars(text)).toEqual([]);
  });

  it('holds nothing that naga lacks', () => {
    expect(nagaGaps(text)).toEqual([]);
  });
});

const values = {
  line: [0.5, 1.5, 2.5],
  rows: [[1, 2, 3]],
  whole: { dtype: 'i32', shape: [4] },
  n: 3,
  flag: true,
};

const partOf = (text: string) => {
  const { ir } = compileMod(functionOf(`(s, b, h, q, kv, c, info) => ${text}`), values, {
    kind: 'score',
  });
  return diagonalPart(ir as Node);
};

describe('depends on the pair through q − kv alone:', () => {
  it.for([
    's + c.line[q - kv]',
    's + c.line[kv - q]',
    's + c.line[-(q - kv)]',
    's + c.line[q - kv + 1]',
    's + c.line[q + c.n - 1 - kv]',
    's + c.line[c.n - kv + q]',
    's + c.line[q - (kv + info.kvLen - info.qLen)]',
    's + c.line[q + q - kv - kv]',
    's + c.line[Math.abs(q - kv)]',
    's + c.line[Math.floor((q - kv) / 3)]',
    's + c.rows[h][Math.max(0, Math.min(q - kv, c.n))]',
    's + c.rows[b][q - kv] * c.n',
    's + (c.line[q - kv] + c.line[kv - q])',
    's + c.line[c.whole[q - kv]]',
    's * (c.flag ? c.line[q - kv] : 1)',
    'q >= kv ? s + c.line[q - kv] : s',
    'Math.tanh(s + c.line[q - kv]) * 2',
    's + c.line[h] * c.line[q - kv]',
    'c.line[q - kv]',
  ])('the part of %s that reads', (text) => {
    const part = partOf(text);
    expect(part?.type).toBe('f32');
    expect([...inputsOf(part!)]).toEqual(expect.arrayContaining(['q', 'kv']));
    expect(inputsOf(part!)).not.toContain('score');
    expect(
      [...inputsOf(atOffset(part!))].filter((input) => input === 'q' || input === 'kv'),
    ).toEqual([]);
  });
});

describe('nothing is made once for a diagonal of', () => {
  it.for([
    ['what reads no table', 's + Math.exp(q - kv)'],
    ['what is the same everywhere', 's + c.line[h]'],
    ['what goes by the query', 's + c.line[q]'],
    ['what goes by the key', 's + c.line[kv]'],
    ['a sum of both', 's + c.line[q + kv]'],
    ['unequal steps', 's + c.line[q - 2 * kv]'],
    ['a second index that is the key', 's + c.rows[q - kv][kv]'],
    ['an index that is a part of the distance', 's + c.line[(q >> 1) - (kv >> 1)]'],
    ['a choice by the query', 's + c.line[q > 2 ? q - kv : 0]'],
    ['rows of packed memory', 's + c.line[info.qRow - info.kvRow]'],
    ['the score', 's + c.line[Math.floor(s) + q - kv]'],
    ['two parts that the score stands between', 's * c.line[q - kv] + c.line[kv - q]'],
  ] as const)('%s', ([, text]) => {
    expect(partOf(text)).toBeUndefined();
  });
});

/** Integer expressions of which many, but far from all, go by q − kv. */
const { index } = fc.letrec<{ index: string }>((tie) => ({
  index: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('q', 'kv', '(q - kv)', '(kv - q)', 'h', 'c.n', '3', 'info.kvLen'),
    fc
      .tuple(tie('index'), fc.constantFrom('+', '-', '-', '*', '&'), tie('index'))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc
      .tuple(fc.constantFrom('-', '~', 'Math.abs'), tie('index'))
      .map(([operator, a]) => `${operator}(${a})`),
  ),
}));

const integers = fc.integer({ min: -20, max: 20 });

it('is the same at every pair of a diagonal, and computed from its offset', () => {
  const seen = { parts: 0, sums: 0 };
  const check = (text: string, h: number, q: number, kv: number, step: number): void => {
    const captures = { line: values.line, n: 3 };
    const mod = functionOf(`(s, b, h, q, kv, c, info) => s + c.line[${text}]`);
    const part = diagonalPart(compileMod(mod, captures, { kind: 'score' }).ir as Node);
    if (!part) return;
    seen.parts++;
    const nodes = ordered([part]);
    if (!nodes.some(({ op, args }) => op === 'sub' && args[0]!.data === 'q')) seen.sums++;
    const at = (root: typeof part, pair: object): unknown => {
      const inputs = { score: NaN, b: NaN, h, qLen: NaN, kvLen: 20, qRow: NaN, kvRow: NaN };
      return twin([root])({
        inputs: { q: NaN, kv: NaN, ...inputs, ...pair },
        scalars: [3],
        tables: [values.line],
      })[0];
    };
    const value = at(part, { q, kv });
    expect(at(part, { q: q + step, kv: kv + step }), text).toBe(value);
    expect(at(atOffset(part), { offset: q - kv }), text).toBe(value);
  };
  fc.assert(fc.property(index, integers, integers, integers, integers, check), runs(1000, 11));
  expect(seen.parts).toBeGreaterThan(100);
  expect(seen.sums).toBeGreaterThan(10);
});

describe('the text of a mod', () => {
  const bias = { dtype: 'f32', shape: [4, 17] };

  it('has the part in a function of its own', () => {
    const { wgsl } = compileMod(relativeBias, { bias, maxDistance: 8 });
    expect(wgsl.slice(wgsl.indexOf('fn diagonal_')))
      .toBe(`fn diagonal_mod(row: Row, offset: i32) -> f32 {
  return mod_read0(row.head, max(-params.mod_scalar0, min(offset, params.mod_scalar0)) + params.mod_scalar0);
}

fn score_mod(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
  return score + diagonal;
}`);
  });

  it('keeps to itself what a row computes once, where that goes by its query', () => {
    const mod = functionOf(
      '(s, b, h, q, kv, c) => s + c.bias[h][q + c.at[h] - kv] + (q + c.at[h])',
    );
    const { wgsl } = compileMod(mod, { at: { dtype: 'i32', shape: [4] }, bias });
    expect(wgsl).toMatch(/fn diagonal_mod[^}]*offset \+ mod_read\d\(row\.head\)/);
    expect(wgsl).toMatch(/fn score_mod[^}]*diagonal\b[^}]*row\.mod_row\d/);
  });

  it('has no such function where there is nothing to share', () => {
    expect(
      compileMod((s: number, b: number, h: number, q: number, kv: number) => s + q - kv).wgsl,
    ).not.toContain('diagonal');
  });
});
