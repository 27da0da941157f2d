import { describe, expect, test } from 'vitest';
import { comparisons } from '../../src/comparisons/comparison-list.ts';
import { packageVersion } from '../../src/measure/gpu-host.ts';
import { workloads } from '../../src/measure/workloads.ts';
import { parseOptions } from '../../src/runs/bench-options.ts';

const node = ['heed', 'onnxruntime', 'jax-js'];
const peers = { node, page: ['heed', 'onnxruntime-web'] };

describe('parseOptions', () => {
  test('runs the headlines by default', () => {
    const options = parseOptions([], peers);
    expect(options).toMatchObject({
      rows: workloads.filter(({ headline }) => headline),
      comparisons: comparisons.filter(({ headline }) => headline),
      peers: node,
      browser: false,
      json: false,
      dryRun: false,
      out: '.cache/bench',
    });
    expect(options.rows.length).toBeGreaterThan(1);
    expect(options.comparisons.length).toBeGreaterThan(1);
    expect(options.rounds).toBeGreaterThan(1);
  });

  test('runs the others by --all or by name', () => {
    expect(parseOptions(['--all'], peers)).toMatchObject({ rows: workloads, comparisons });
    const other = workloads.find((row) => !row.headline)!;
    expect(parseOptions(['--rows', other.id], peers).rows).toEqual([other]);
  });

  test('in a page runs rows only, beside the programs of a page, and keeps them apart', () => {
    const options = parseOptions(['--browser', '--all', '--compare'], peers);
    expect(options).toMatchObject({ browser: true, rows: workloads, comparisons: [] });
    expect(options.peers).toEqual(peers.page);
    expect(options.out).toBe('.cache/bench/browser');
    expect(options.baseline).toBe('.cache/bench/browser/bench.json');
    expect(() => parseOptions(['--browser', '--peers', 'onnxruntime'], peers)).toThrow(
      /no such name: onnxruntime\. Choose from heed, onnxruntime-web/,
    );
    expect(() => parseOptions(['--browser', '--rows', comparisons[0]!.id], peers)).toThrow(
      /--rows: no such name/,
    );
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

test('finds versions also of packages that hide their package.json', () => {
  expect(packageVersion('@jax-js/jax')).toMatch(/^\d+\.\d+\.\d+$/);
  expect(packageVersion('@heed/kernels-wgsl')).toMatch(/^\d+\.\d+\.\d+$/);
});

test('throws on a package that is not installed', () => {
  expect(() => packageVersion('@heed/no-such-package')).toThrow('@heed/no-such-package');
});
