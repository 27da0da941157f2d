import {
  type Check,
  type Expected,
  expected,
  naiveAttention,
  near,
  type ReferenceProblem as Problem,
  referenceAttention,
} from '@heed/conformance/reference';
import { lastRows } from './attention-jobs.ts';
import type { Pack } from './packed-documents.ts';
import type { Projections } from './projections.ts';

/** Computes the float64 result of all documents and rows, with the error budget. */
export function reference({ cuSeqlens, tokens }: Pack, { heads, q, k, v }: Projections): Expected {
  const array = (data: Float32Array, count: number) => ({
    shape: [tokens.length, count, heads.dim],
    data,
  });
  const problem: Problem = {
    q: array(q, heads.query),
    k: array(k, heads.kv),
    v: array(v, heads.kv),
    cuSeqlensQ: cuSeqlens,
    options: { causal: true },
  };
  return expected(referenceAttention(problem), naiveAttention(problem), 'f32');
}

/** Compares a prefill, token-major [T, Hq, D], with the reference. */
export function checkPrefill(name: string, got: Float32Array, want: Expected): Check {
  return near(name, { shape: want.out.shape, data: got }, want.out, want.budgets.out);
}

/** Compares a decode step [N, Hq, D] with the reference's last row of every document. */
export function checkDecode(
  name: string,
  got: Float32Array,
  want: Expected,
  cuSeqlens: Int32Array,
): Check {
  const [, heads = 0, dim = 0] = want.out.shape;
  const shape = [cuSeqlens.length - 1, heads, dim];
  const last = { shape, data: lastRows(want.out.data, cuSeqlens, heads * dim) };
  return near(name, { shape, data: got }, last, want.budgets.out);
}

/** The results of the main job, as plain data. Times are milliseconds from dispatch until the device has settled. */
export interface Report {
  readonly adapter: string;
  readonly tokenizer: string;
  readonly documents: number;
  readonly tokens: number;
  readonly longest: number;
  readonly heads: { readonly query: number; readonly kv: number; readonly dim: number };
  readonly paddedTokens: number;
  /** The share of padding in a padded batch, 0 to 1. */
  readonly paddingSaved: number;
  readonly ms: { readonly packed: number; readonly padded: number; readonly decode: number };
  readonly rounds: number;
  readonly checks: readonly Check[];
  readonly verdict: Verdict;
}

/** `right`: every check is within its budget. */
type Verdict = 'right' | 'wrong';

/** Returns `right` if at least one check was made and none failed. */
export function verdictOf(checks: readonly Check[]): Verdict {
  return checks.length > 0 && checks.every(({ ok }) => ok) ? 'right' : 'wrong';
}

/** Renders the report as text. */
export function renderReport(report: Report): string {
  const { ms, heads, checks } = report;
  const lines = [
    `adapter      ${report.adapter}`,
    `documents    ${report.documents}, ${grouped(report.tokens)} tokens (${report.tokenizer}), the longest ${grouped(report.longest)}`,
    `attention    causal, ${heads.query} query and ${heads.kv} key/value heads of ${heads.dim}, f32`,
    `padding      a padded batch has ${grouped(report.paddedTokens)} rows; packing saves ${percent(report.paddingSaved)} of them`,
    `prefill      packed ${milliseconds(ms.packed)}, padded ${milliseconds(ms.padded)}, ${(ms.padded / ms.packed).toFixed(2)} times as long`,
    `decode       ${milliseconds(ms.decode)} for one token of each document, from part-filled slots`,
    `             (${report.rounds === 1 ? 'one run' : `medians of ${report.rounds} runs`} of each, in turn)`,
    ...checks.map(renderCheck),
    '',
    report.verdict === 'right'
      ? 'RIGHT: every result agrees with the float64 reference.'
      : 'WRONG: a result is off; see above.',
    '',
    'Next: `npm test` checks every layout on every adapter of this machine, `npm run bench` measures against other programs.',
  ];
  return `${lines.join('\n')}\n`;
}

function renderCheck({ label, ok, error, budget, report }: Check): string {
  const numbers = `max error ${(error ?? NaN).toExponential(2)}, budget ${(budget ?? NaN).toExponential(2)}`;
  const line = `check        ${label}: ${numbers}, ${ok ? 'ok' : 'OFF'}`;
  return report === undefined ? line : `${line}\n${report}`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
