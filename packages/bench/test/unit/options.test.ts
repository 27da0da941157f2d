import { describe, expect, test } from 'vitest';
import { parseOptions } from '../../src/options.ts';
import { workloads } from '../../src/workloads.ts';

const peers = ['heed', 'onnxruntime', 'jax-js'];

describe('parseOptions', () => {
  test('runs everything but the long rows by default', () => {
    const options = parseOptions([], peers);
    expect(options).toMatchObject({
      rows: workloads.filter(({ long }) => !long),
      peers,
      json: false,
      dryRun: false,
      out: '.cache/bench',
    });
    expect(options.rounds).toBeGreaterThan(1);
  });

  test('runs the long rows by --full or by name', () => {
    expect(parseOptions(['--full'], peers).rows).toEqual(workloads);
    const long = workloads.find((row) => row.long)!;
    expect(parseOptions(['--rows', long.id], peers).rows).toEqual([long]);
  });

  test('takes rows and peers by name, in their own order', () => {
    const options = parseOptions(
      ['--rows', 'decode-f32,prefill-f32', '--peers', 'jax-js, heed', '--rounds', '3'],
      peers,
    );
    expect(options.rows.map(({ id }) => id)).toEqual(['prefill-f32', 'decode-f32']);
    expect(options).toMatchObject({ peers: ['heed', 'jax-js'], rounds: 3 });
  });

  test('names what it does not know and what there is', () => {
    expect(() => parseOptions(['--rows', 'prefil'], peers)).toThrow(
      /--rows: no such name: prefil\. Choose from prefill-f32/,
    );
    expect(() => parseOptions(['--peers', 'torch'], peers)).toThrow(
      /no such name: torch\. Choose from heed, onnxruntime/,
    );
    expect(() => parseOptions(['--what'], peers)).toThrow(/--what/);
  });

  test.each(['0', '1.5', 'many', ''])('refuses --rounds %j', (rounds) => {
    expect(() => parseOptions(['--rounds', rounds], peers)).toThrow(/whole number ≥ 1/);
  });

  test('takes a tuning for heed', () => {
    expect(parseOptions([], peers).tuning).toBeUndefined();
    expect(parseOptions(['--tuning', 'a.json'], peers).tuning).toBe('a.json');
  });

  test('takes one round, one second', () => {
    expect(parseOptions(['--rounds', '1', '--seconds', '1'], peers)).toMatchObject({
      rounds: 1,
      seconds: 1,
    });
  });
});
