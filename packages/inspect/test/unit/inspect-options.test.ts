import { expect, test } from 'vitest';
import { parseOptions, usage } from '../../src/inspect-options.ts';

test('by default, every case is compiled for navi31', () => {
  const { family, match, help } = parseOptions([]);
  expect([family, match.test('any name'), help]).toEqual(['navi31', true, false]);
});

test('a wrong value is refused with the flag, the value and those that it takes', () => {
  expect(() => parseOptions(['--family', 'navi99'])).toThrow(
    /--family: takes one of navi31, .*; got navi99\./,
  );
  expect(() => parseOptions(['--match', '('])).toThrow(
    '--match: takes a regular expression; got (.',
  );
  expect(() => parseOptions(['--matches', 'x'])).toThrow("Unknown option '--matches'");
});

test('the usage names every flag', () => {
  const flags = ['--family', '--match', '--json', '--compare', '--keep'];
  expect(flags.filter((flag) => !usage.includes(`  ${flag} `))).toEqual([]);
});
