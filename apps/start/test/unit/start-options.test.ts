import { describe, expect, test } from 'vitest';
import { parseOptions } from '../../src/start-options.ts';

describe('parseOptions', () => {
  test('defaults to text and a pack that a software adapter finishes soon', () => {
    expect(parseOptions([])).toEqual({ tokens: 4096, json: false, help: false });
  });

  test('takes --tokens and --json', () => {
    expect(parseOptions(['--tokens', '1', '--json'])).toEqual({
      tokens: 1,
      json: true,
      help: false,
    });
  });

  test.each(['0', '-5', '1.5', 'many', ''])('refuses --tokens=%s', (tokens) => {
    expect(() => parseOptions([`--tokens=${tokens}`])).toThrow(
      /--tokens: takes a whole number ≥ 1/,
    );
  });

  test('refuses a flag it does not know', () => {
    expect(() => parseOptions(['--fast'])).toThrow(/--fast/);
  });
});
