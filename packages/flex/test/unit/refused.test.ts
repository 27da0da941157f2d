import { CompileError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';

/** A mod's source, what the first line of the error says, what the caret underlines, and the remedy. */
type Row = readonly [source: string, says: string, marked: string, remedy: RegExp];

const rows: readonly Row[] = [
  ['(s) => s + Math.random()', 'Math.random has no value', 'Math.random()', /tensor in captures/],
  ['(s) => s + outer', 'outer is not declared in the mod', 'outer', /captures: \{ outer \}/],
  ["(s) => s + 'x'", 'a string is not a number', "'x'", /numbers and booleans/],
  ['(s) => `${s}`', 'a template string is not a number', '`${s}`', /numbers and booleans/],
  [
    '(s) => { while (s > 1) s -= 1; return s; }',
    'while may run for ever',
    'while',
    /constant bounds/,
  ],
  ['(s, b, h, q, kv, c, info) => s + info.length', 'info has no length', 'length', /qLen, kvLen/],
  ['(s) => ({ s })', 'an object literal', '{ s }', /Use variables/],
  ['async (s) => s', 'an async function', 'async', /Return the number/],
  ['function (s) { return s + this.x; }', 'this is not available', 'this', /captures/],
  ['(s) => s + new Date().getTime()', 'new makes an object', 'new Date()', /numbers and booleans/],
];

const evaluate = (source: string): Function =>
  // The sources are the literals above; a function's text must be as it is written there.
  (0, globalThis.Function)(`return (${source});`)() as Function;

const thrownBy = (run: () => unknown): Error => {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};

describe('a refused construct', () => {
  it.for(rows)('%s', ([source, says, marked, remedy]) => {
    const error = thrownBy(() => compileMod(evaluate(source)));
    expect(error).toBeInstanceOf(CompileError);
    const [first, line, caret, ...rest] = error.message.split('\n');
    expect(first).toContain(says);
    const from = caret!.indexOf('^');
    expect(line!.slice(from, from + marked.length)).toBe(marked);
    expect(rest.join('\n')).toMatch(remedy);
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
  });
});
