import { describe, expect, test } from 'vitest';
import { parseOptions, usage } from '../../../src/tune/options.ts';
import { presets } from '../../../src/tune/presets.ts';

describe('parseOptions of the tuner', () => {
  test('tunes all presets by default', () => {
    const options = parseOptions([]);
    expect([...options.problems]).toEqual(Object.entries(presets));
    expect(options).toMatchObject({ json: false, dryRun: false, out: '.cache/bench/tuning.json' });
    for (const name of Object.keys(presets)) expect(usage).toContain(name);
  });

  test('takes presets by name and problems as JSON', () => {
    const json = '{"layout":"dense","q":[1,8,4,32],"k":[1,8,4,32]}';
    const args = ['--problem', 'decode-f16', '--problem', json, '--seconds', '9'];
    const { problems, seconds } = parseOptions(args);
    expect([...problems.keys()]).toEqual(['decode-f16', json]);
    expect(problems.get('decode-f16')).toBe(presets['decode-f16']);
    expect(problems.get(json)).toEqual({ layout: 'dense', q: [1, 8, 4, 32], k: [1, 8, 4, 32] });
    expect(seconds).toBe(9);
  });

  test('takes a file of problems in place of the presets, or beside those named', () => {
    const own = parseOptions(['--module', 'mine.ts']);
    expect([own.module, own.problems.size]).toEqual(['mine.ts', 0]);
    const both = parseOptions(['--module', 'mine.ts', '--problem', 'decode-f32']);
    expect([...both.problems.keys()]).toEqual(['decode-f32']);
  });

  test('names the flag, what it got and what it takes', () => {
    expect(() => parseOptions(['--problem', 'decode'])).toThrow(
      /^--problem: takes a preset \(prefill-f32, .*\) or JSON; got decode\.$/,
    );
    expect(() => parseOptions(['--problem', 'toString'])).toThrow('got toString.');
    expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds: takes a whole number ≥ 1');
    expect(() => parseOptions(['--tile', 'x'])).toThrow('--tile');
  });
});
