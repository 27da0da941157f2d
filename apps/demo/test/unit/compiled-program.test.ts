import * as masks from '@heed/flex/masks';
import * as scoreMods from '@heed/flex/mods';
import { describe, expect, it, test } from 'vitest';
import {
  compileProgram,
  excerptOf,
  type Program,
} from '../../src/explore/program/compiled-program.ts';
import { stripTypes } from '../../src/explore/program/declarations.ts';
import { gallery } from '../../src/explore/program/gallery.ts';

function programOf(text: string): Program {
  const result = compileProgram(text);
  if (!result.ok) throw new Error(result.diagnostic.message);
  return result.program;
}

/** Returns the diagnostic of a text, with the text that it marks. */
function refusal(text: string): { readonly marked: string; readonly message: string } {
  const result = compileProgram(text);
  if (result.ok) throw new Error('it compiles');
  const { from, to, message } = result.diagnostic;
  return { marked: text.slice(from, to), message };
}

describe('types', () => {
  it.for([
    ['const f: Mod<{ a: number }> = 1;', 'const f = 1;'],
    ['<T,>(x: T, y?: number): boolean => (x as any)! > y!', '(x, y) => (x) > y'],
    [
      'function g(x: number): x is 3 { return (x satisfies number) === 3; }',
      'function g(x) { return (x) === 3; }',
    ],
    ["import type { A } from 'a'; interface B { c: number } type D = B; f(1)", 'f(1)'],
    ["import { bind, type Mod } from '@heed/flex';", "import { bind, Mod } from '@heed/flex';"],
    ['const a = x ? y : z;', 'const a = x ? y : z;'],
    ["const s = '😀: number' as string;", "const s = '😀: number';"],
  ] as const)('%s', ([typed, plain]) => {
    const squeeze = (text: string): string => text.replaceAll(/\s+/g, '').trim();
    const stripped = stripTypes(typed);
    expect(stripped).toHaveLength(typed.length);
    expect(squeeze(stripped)).toBe(squeeze(plain));
  });
});

describe('values', () => {
  test('captures are numbers, tables from literals and formulas, and functions', () => {
    const { score, tables } = programOf(`
      export const captures = { scale: 2 ** -1, slopes: [1, 2.5], id: table([2, 3], (i, j) => 10 * i + j), twice: (x) => 2 * x };
      export function scoreMod(score: number, b, h, q, kv, { scale, slopes, id, twice }) {
        return twice(score) * scale + slopes[1] + id[1][kv];
      }`);
    expect(tables).toEqual({
      slopes: [1, 2.5],
      id: [
        [0, 1, 2],
        [10, 11, 12],
      ],
    });
    expect(score!.js(3, 0, 0, 0, 2, tables)).toBe(3 + 2.5 + 12);
    expect(score!.explain()).toContain('id: i32 table of rank 2');
    expect(score!.explain()).toContain('slopes: f32 table of rank 1');
  });

  test('masks combine with their own captures', () => {
    const { mask, score } = programOf(`
      import { andMasks, bind, notMask } from '@heed/flex';
      import { causal as past, slidingWindow } from '@heed/flex/masks';
      const near = bind(slidingWindow, { window: 2 });
      const maskMod = andMasks(past, notMask(near));`);
    expect(score).toBeUndefined();
    expect([0, 1, 2, 3, 4, 5].map((kv) => mask!.js(0, 0, 4, kv))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  test('tables become what the caller makes of them', () => {
    const { mods } = programOf(
      'const captures = { t: [1, 2] }; const maskMod = (b, h, q, kv, { t }) => t[q] === 1;',
    );
    expect(mods(({ dtype, shape }) => `${dtype} ${shape.join()}`).captures).toEqual({ t: 'i32 2' });
  });
});

describe('errors stand where they belong', () => {
  it.for([
    ['const scoreMod = (s: number) =>\n  s + Math.random();', 'Math.random()', 'agree on'],
    ['const scoreMod = (s) => s +;', ';', 'Unexpected token'],
    [
      'const maskMod = (b, h, q, kv, c) => c.f(q);\nconst captures = { f: (x) => Math.rand(x) };',
      'Math.rand(x)',
      'Math',
    ],
    ['alert(1);', 'alert(1);', 'imports, functions and constants'],
    [
      'const captures = { a: fetch("x") };\nconst maskMod = () => true;',
      'fetch',
      'not declared here',
    ],
    [
      'const captures = { a: [[1], [2, 3]] };\nconst maskMod = () => true;',
      '[[1], [2, 3]]',
      'equally long',
    ],
    [
      'const captures = { a: table([9e9], (i) => i) };\nconst maskMod = () => true;',
      'table([9e9], (i) => i)',
      'at most 65536',
    ],
    ["import { nope } from '@heed/flex/mods';\nconst maskMod = nope;", 'nope', 'alibi'],
    ['const a = b; const b = a; const maskMod = a;', 'b', 'made of itself'],
    [
      'const captures = { a: table([4], (i) => nope) };\nconst maskMod = () => true;',
      'nope',
      'nope',
    ],
  ] as const)('%s', ([text, place, says]) => {
    const { marked, message } = refusal(text);
    expect(marked).toBe(place);
    expect(message).toContain(says);
  });

  test('a long line is shown cut, and its column is found all the same', () => {
    const text = `const scoreMod = (s) => ${'s + '.repeat(60)}Math.random();`;
    expect(refusal(text).marked).toBe('Math.random()');
  });

  test('without a mod there is something to declare', () => {
    expect(refusal('const captures = {};').message).toContain('Declare a scoreMod or a maskMod');
  });

  test('an excerpt has the line and a caret below the place', () => {
    const text = 'const a = 1;\nconst b = c;';
    const shown = excerptOf(text, { from: 23, to: 24, message: 'c is not here.\nDeclare it.' });
    expect(shown).toBe(
      'Line 2, column 11: c is not here.\n2 | const b = c;\n              ^\nDeclare it.',
    );
  });
});

test('nothing of the text is run', () => {
  const marker = globalThis as { ran?: boolean };
  compileProgram(`
    const captures = { f: (x = (globalThis.ran = true)) => x, t: table([2], (i) => (globalThis.ran = true)) };
    const maskMod = (b, h, q, kv) => { globalThis.ran = true; return true; };`);
  compileProgram('const maskMod = (() => { globalThis.ran = true; return () => true; })();');
  // In a module this is one function. In a script, <!-- begins a comment, which exposes the assignment.
  const escape = '(b, h, q, kv) => { b <!--q; /*\n}, globalThis.ran = true, () => { /* */ }';
  expect(refusal(`const maskMod = ${escape};`).marked).toBe(escape);
  expect(marker.ran).toBeUndefined();
});

const names = (group: string): string[] =>
  gallery.filter((example) => example.group === group).map(({ name }) => name);

test('every mod and mask that is shipped is in the gallery', () => {
  expect(names('Score mods')).toEqual(Object.keys(scoreMods).toSorted());
  expect(names('Masks')).toEqual(Object.keys(masks).toSorted());
});

describe.for(gallery)('$name', ({ name, group, text, about }) => {
  it('compiles, and shows some pairs of the heat map but not all', () => {
    const compiled = compileProgram(text);
    if (!compiled.ok) throw new Error(compiled.diagnostic.message);
    const { score, mask, tables } = compiled.program;
    expect(score !== undefined).toBe(group !== 'Masks');
    expect(about).not.toBe('');
    if (group !== 'Masks') return;
    const seen = Array.from({ length: 64 * 64 }, (_, i) =>
      mask!.js(0, 0, Math.floor(i / 64), i % 64, tables, { qLen: 64, kvLen: 64 }),
    );
    expect(new Set(seen).size, name).toBe(2);
  });
});
