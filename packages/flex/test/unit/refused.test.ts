import { CompileError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { load, type Minifier, minifiers, moduleOf } from '../programs/minifiers.ts';
import * as rows from '../programs/refused-sources.ts';
import { functionOf } from '../programs/world.ts';

const { captures, remedies, value, ...lists } = rows;

const thrownBy = (run: () => unknown): CompileError => {
  try {
    run();
  } catch (error) {
    return error as CompileError;
  }
  throw new Error('nothing was thrown');
};

function expectRefusal([source, says, marked, remedy]: rows.Row, kind?: 'score' | 'mask'): void {
  const options = kind ? { kind } : {};
  const error = thrownBy(() => compileMod(functionOf(`(${source})`), captures, options));
  expect(error).toBeInstanceOf(CompileError);
  const [first, line, caret, ...rest] = error.message.split('\n');
  expect(first).toMatch(/^compileMod: .*\.$/);
  expect(first).toContain(says);
  const from = caret!.indexOf('^');
  expect(line!.slice(from, from + marked.length)).toBe(marked);
  expect(rest.join('\n')).toMatch(remedy);
  const gutter = line!.indexOf('| ') + 2;
  expect(error.line).toBe(Number.parseInt(line!, 10));
  if (line![gutter] !== '…') expect(error.column).toBe(from - gutter + 1);
}

describe.each([
  ['a statement', rows.statements],
  ['an assignment', rows.assignments],
  ['a name', rows.names],
  ['a value', rows.values],
  ['a value of two types', rows.paths],
  ['a table', rows.tables],
  ['a call', rows.calls],
  ['a signature', rows.signatures],
])('%s that is refused', (_, all) => {
  it.for(all)('%s', (row) => expectRefusal(row));
});

describe('what a mod returns', () => {
  it('is a boolean of a mask, and a number of a score mod', () => {
    const counts = '(b, h, q, kv) => q - kv';
    expectRefusal(
      [counts, 'a mask must return a boolean', '(b, h', /comparison.*scoreMod/],
      'mask',
    );
    const sees = '(b, h, q, kv) => q > kv';
    expectRefusal(
      [sees, 'a score mod must return a number', '(b, h', /-Infinity.*maskMod/],
      'score',
    );
    const extra = '(b, h, q, kv, c, info, x) => q > kv';
    expectRefusal(
      [extra, 'a mask mod takes at most 6', 'x)', /\(b, h, q, kv, captures, info\)/],
      'mask',
    );
  });
});

describe('without a kind, the error is that of the reading that was meant', () => {
  it.for([
    ['(score, b, h, q, kv, c) => score + c.bais', 'captures has no bais'],
    ['(score, b, h, q, kv, c) => score + c.bais[h][q]', 'captures has no bais'],
    ['(score, b, h, q, kv, { bais }) => score + bais[h][q]', 'captures has no bais'],
    ['(score, b, h, q, kv, c) => score + c.bias[h][q / 2]', 'an index must be a whole number'],
    [
      '(score, b, h, q, kv, c) => { const x = c.bias[h]; return score + x; }',
      'bias with 1 of its 2',
    ],
    ['(score, b, h, q, kv) => kv / 0.5 + nowhere', 'nowhere is not declared'],
    ['(b, h, q, kv, c) => c.bias[h][q / 2] > kv', 'an index must be a whole number'],
    ['(b, h, q, kv, { bais }) => bais[h][q] > kv', 'captures has no bais'],
    ['(b, h, q, kv, c) => c.bais > kv', 'captures has no bais'],
    ['(b, h, q, kv, c, info) => q < info.kvlen', 'info has no kvlen'],
  ] as const)('%s', ([source, says]) => {
    const error = thrownBy(() => compileMod(functionOf(source), captures));
    expect(error).toBeInstanceOf(CompileError);
    expect(error.message).toContain(says);
  });
});

describe('the place of a fault', () => {
  it('is in the source of the captured function, on its own line', () => {
    const error = thrownBy(() => compileMod(functionOf(value('c.far(s)')), captures));
    expect(error.message.split('\n').slice(1, 3)).toEqual([
      '  3 |   return y * nowhere;',
      '    |              ^^^^^^^',
    ]);
    expect(error).toMatchObject({ line: 3, column: 14, length: 7 });
  });

  it('is cut out of a long line', () => {
    const long = `(s) => ${'s + '.repeat(60)}nowhere + ${'s + '.repeat(60)}s`;
    const error = thrownBy(() => compileMod(functionOf(long)));
    const [, line, caret] = error.message.split('\n');
    expect(error).toMatchObject({ line: 1, column: 1 + long.indexOf('nowhere'), length: 7 });
    expect(line!.length).toBeLessThan(140);
    expect(line!.slice(caret!.indexOf('^'))).toMatch(/^nowhere/);
  });
});

describe('a function whose source is hidden', () => {
  const plain = (s: number): number => s;
  it.for([
    ['native', Math.max],
    ['bound', plain.bind(null)],
  ] as const)('%s', ([, fn]) => {
    const error = thrownBy(() => compileMod(fn));
    expect(error).toBeInstanceOf(CompileError);
    expect(error.message).toMatch(/is hidden.*\nPass the function itself/);
    expect(error.line).toBeUndefined();
  });
});

const refusedRows = Object.values(lists)
  .filter((all) => Array.isArray(all))
  .flat();

function remedyFor(source: string): string {
  try {
    compileMod(functionOf(`(${source})`), captures);
  } catch (error) {
    return (error as Error).message.split('\n').at(-1)!;
  }
  throw new Error(`${source} is not refused`);
}

describe('what an error says to write instead', () => {
  it('has been tried for every error', () => {
    const said = [...new Set(refusedRows.map(([source]) => remedyFor(source)))];
    const untried = said.filter((remedy) => !remedies.some(([says]) => says.test(remedy)));
    expect(untried).toEqual([]);
    const never = remedies.filter(([says]) => !said.some((remedy) => says.test(remedy)));
    expect(never.map(([says]) => String(says))).toEqual([]);
  });

  const sources = remedies.map(([, source]) => source);
  const plain: Minifier = (code) => code;
  it.for(Object.entries({ plain, ...minifiers }))('compiles, %s', async ([, shrink]) => {
    const mods = await load(await shrink(moduleOf(sources)));
    for (const [i, source] of sources.entries()) {
      const compile = (): unknown => compileMod(mods[`m${i}`]!, captures, { kind: 'score' });
      expect(compile, `${source}\n${String(mods[`m${i}`])}`).not.toThrow();
    }
  });
});
