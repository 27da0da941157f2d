import { expect, test } from 'vitest';
import { parseBoxOptions } from '../../../src/gpu-box/options.ts';

test('defaults: what fits the adapter, all cases, conformance first', () => {
  expect(parseBoxOptions([])).toEqual({
    size: undefined,
    cases: undefined,
    conformance: true,
    peer: 'cuda',
    python: 'python3',
    out: '.cache/gpu-box',
    help: false,
  });
});

test('takes a size and parts of ids', () => {
  expect(
    parseBoxOptions(['--size', 'cpu', '--cases', 'decode, flex', '--no-conformance']),
  ).toMatchObject({ size: 'cpu', cases: ['decode', 'flex'], conformance: false });
});

test.each([
  [['--size', 'huge'], /--size: takes smallest, cpu, gpu; got huge/],
  [['--peer', 'tpu'], /--peer: takes cuda, cpu, none; got tpu/],
  [['--what'], /--what/],
])('refuses %j', (args, message) => {
  expect(() => parseBoxOptions(args)).toThrow(message);
});
