import { expect, test } from 'vitest';
import { type Report, renderReport, verdictOf } from '../../src/report.ts';

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
