import { describe, expect, test } from 'vitest';
import { lastRows } from '../../src/attention-jobs.ts';
import type { Pack } from '../../src/packed-documents.ts';
import { project } from '../../src/projections.ts';
import {
  checkDecode,
  checkPrefill,
  reference,
  renderReport,
  type Report,
  verdictOf,
} from '../../src/start-report.ts';

const pack: Pack = {
  paths: ['a', 'b'],
  tokens: Int32Array.of(5, 6, 7, 8, 9, 10, 11),
  cuSeqlens: Int32Array.of(0, 4, 7),
  maxSeqlen: 4,
};
const heads = { query: 4, kv: 2, dim: 8 };
const row = heads.query * heads.dim;
const want = reference(pack, project(pack, heads));
const prefill = Float32Array.from(want.out.data);
const decode = Float32Array.from(lastRows(want.out.data, pack.cuSeqlens, row));
const corrupt = (x: Float32Array, index: number, value: (was: number) => number): Float32Array =>
  x.with(index, value(x[index] as number));

test('the decode step is compared with the last row of each document', () => {
  expect(decode).toEqual(
    Float32Array.from([
      ...prefill.subarray(3 * row, 4 * row),
      ...prefill.subarray(6 * row, 7 * row),
    ]),
  );
});

test('right results are within their budget', () => {
  const checks = [
    checkPrefill('prefill', prefill, want),
    checkDecode('decode', decode, want, pack.cuSeqlens),
  ];
  expect(checks.map(({ ok }) => ok)).toEqual([true, true]);
  expect(verdictOf(checks)).toBe('right');
});

describe('one corrupted value makes the verdict wrong', () => {
  test.each<[string, (was: number) => number]>([
    ['a value just past the budget', (was) => was + 3 * want.budgets.out.limit],
    ['a NaN', () => NaN],
    ['an infinity', () => Infinity],
  ])('%s', (_, value) => {
    const first = checkPrefill('prefill', corrupt(prefill, 0, value), want);
    const last = checkPrefill('prefill', corrupt(prefill, prefill.length - 1, value), want);
    const step = checkDecode('decode', corrupt(decode, 9, value), want, pack.cuSeqlens);
    for (const check of [first, last, step]) {
      expect(check.ok).toBe(false);
      expect(verdictOf([checkPrefill('fine', prefill, want), check])).toBe('wrong');
    }
  });

  test('a missing row', () => {
    expect(checkPrefill('prefill', prefill.subarray(row), want).ok).toBe(false);
  });

  test('rows of two documents exchanged', () => {
    const exchanged = Float32Array.from([...decode.subarray(row), ...decode.subarray(0, row)]);
    expect(checkDecode('decode', exchanged, want, pack.cuSeqlens).ok).toBe(false);
  });
});

const report: Report = {
  adapter: 'some adapter',
  tokenizer: 'o200k_base',
  documents: 9,
  tokens: 4096,
  longest: 1024,
  heads: { query: 8, kv: 2, dim: 64 },
  paddedTokens: 9216,
  paddingSaved: 1 - 4096 / 9216,
  ms: { packed: 120.4, padded: 260.8, decode: 4.321 },
  rounds: 5,
  checks: [{ label: 'packed prefill', ok: true, error: 1.25e-7, budget: 6e-7 }],
  verdict: 'right',
};

test('the report for people', () => {
  expect(`\n${renderReport(report)}`).toMatchInlineSnapshot(`
    "
    adapter      some adapter
    documents    9, 4,096 tokens (o200k_base), the longest 1,024
    attention    causal, 8 query and 2 key/value heads of 64, f32
    padding      a padded batch has 9,216 rows; packing saves 56 % of them
    prefill      packed 120 ms, padded 261 ms, 2.17 times as long
    decode       4.32 ms for one token of each document, from part-filled slots
                 (medians of 5 runs of each, in turn)
    check        packed prefill: max error 1.25e-7, budget 6.00e-7, ok

    RIGHT: every result agrees with the float64 reference.

    Next: \`npm test\` checks every layout on every adapter of this machine, \`npm run bench\` measures against other programs.
    "
  `);
});

test('a wrong result shows, with its table', () => {
  const off = {
    label: 'decode step',
    ok: false,
    error: Infinity,
    budget: 6e-7,
    report: 'decode step: 1 of 8 elements off',
  };
  const text = renderReport({
    ...report,
    checks: [...report.checks, off],
    verdict: verdictOf([off]),
  });
  expect(text).toContain('OFF\ndecode step: 1 of 8 elements off');
  expect(text).toContain('WRONG');
  expect(text).not.toContain('RIGHT');
});

test('no checks prove nothing', () => {
  expect(verdictOf([])).toBe('wrong');
});
