import {
  type Check,
  type Expected,
  expected,
  naiveAttention,
  near,
  type Problem,
  referenceAttention,
} from '@heed/conformance';
import { lastRows } from './decode.ts';
import type { Pack } from './pack.ts';
import type { Projections } from './project.ts';

/** The float64 result of the whole pack, all documents and rows, with the error budget. */
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
