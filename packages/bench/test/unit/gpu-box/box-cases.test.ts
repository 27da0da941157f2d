import { describe, expect, test } from 'vitest';
import { casesOf, scales, type Size, sizeFor } from '../../../src/gpu-box/box-cases.ts';
import { probesOf, valueAt, valuesFrom } from '../../../src/gpu-box/box-probes.ts';
import { bytesOfCase, flopsOfCase } from '../../../src/gpu-box/run-box-case.ts';
import { parseBoxOptions } from '../../../src/gpu-box/run-box.ts';

describe.each(Object.keys(scales) as Size[])('%s', (size) => {
  const cases = casesOf(scales[size]);

  test('ids differ, and every kind of work is there', () => {
    const ids = cases.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const kind of ['forward', 'backward', 'decode', 'flex']) {
      expect(ids.some((id) => id.startsWith(kind))).toBe(true);
    }
  });

  test('probes lie within their tensors', () => {
    for (const c of cases) {
      for (const { batch, head, rowStart, rowEnd } of probesOf(c)) {
        expect(batch).toBeLessThan(c.batch);
        expect(head).toBeLessThan(c.headsQ);
        expect(rowStart).toBeGreaterThanOrEqual(0);
        expect(rowStart).toBeLessThan(rowEnd);
        expect(rowEnd).toBeLessThanOrEqual(c.seqlenQ);
      }
    }
  });

  test('what the float64 reference of gradients takes for granted', () => {
    for (const c of cases.filter(({ pass }) => pass === 'backward')) {
      expect(c).toMatchObject({ causal: true, headsKv: c.headsQ, seqlenK: c.seqlenQ });
    }
  });
});

test('the long decode on a GPU has 2 GiB of keys and values', () => {
  const sizes = casesOf(scales.gpu)
    .filter(({ id }) => id.startsWith('decode'))
    .map(bytesOfCase);
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(2 ** 31);
});

test('work: a window leaves what it shows, backward takes two and a half times the products', () => {
  const [forward] = casesOf(scales.smallest);
  const c = { ...forward!, batch: 1, headsQ: 1, headsKv: 1, seqlenQ: 4, seqlenK: 4, headDim: 1 };
  expect(flopsOfCase({ ...c, causal: false })).toBe(4 * 16);
  expect(flopsOfCase({ ...c, causal: true })).toBe(4 * 10);
  expect(flopsOfCase({ ...c, causal: true, pass: 'backward' })).toBe(10 * 10);
  const mod = { kind: 'slidingWindow', window: 1 } as const;
  expect(flopsOfCase({ ...c, causal: false, mod })).toBe(4 * (1 + 2 + 2 + 2));
});

test('values are halves of a wide spread that never repeat a tensor', () => {
  const values = valuesFrom('k', 0, 4096);
  for (const x of values) expect(x * 1024).toBe(Math.round(x * 1024));
  expect(Math.min(...values)).toBeLessThan(-0.99);
  expect(Math.max(...values)).toBeGreaterThan(0.99);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.05);
  expect(valuesFrom('v', 0, 4096)).not.toEqual(values);
  expect(Math.abs(valueAt('q', 3) / 4)).toBeLessThanOrEqual(1);
});

test('an adapter that is a CPU gets the small cases', () => {
  const gpu = (isFallbackAdapter: boolean): Parameters<typeof sizeFor>[0] =>
    ({ capabilities: { adapter: { isFallbackAdapter } } }) as Parameters<typeof sizeFor>[0];
  expect([sizeFor(gpu(true)), sizeFor(gpu(false))]).toEqual(['cpu', 'gpu']);
});

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
