import { generate, type NdArray } from '../reference/nd-array.ts';
import { type FloatDType, toStorage } from '../reference/number-types.ts';
import { permutation, type Random, random } from '../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../reference/reference-problem.ts';
import { dequantise, type QuantFormat, quantise } from '../reference/stored-rows.ts';

/** The fields of every generated problem, lengths aside. */
export interface BaseSpec {
  readonly dtype: FloatDType;
  /** [Hq, Hkv]; default [4, 2]. */
  readonly heads?: readonly [q: number, kv: number];
  /** Head dim of q and k; default 64. */
  readonly dim?: number;
  /** Head dim of v; default `dim`. */
  readonly dimV?: number;
  readonly seed?: number;
  readonly options?: ReferenceOptions;
}

/** Dense [B, H, L, D]. */
interface DenseSpec extends BaseSpec {
  readonly batch?: number;
  readonly kvBatch?: number;
  readonly lq: number;
  readonly lk?: number;
  readonly seqUsedK?: readonly number[];
}

/** Packed [T, H, D]: the query length, the key capacity and the used key length of each sequence. */
interface PackedSpec extends BaseSpec {
  readonly qLens: readonly number[];
  readonly kLens?: readonly number[];
  readonly used?: readonly number[];
  /** Query rows and key rows after the last sequence. */
  readonly spareRows?: readonly [q: number, k: number];
}

/** Paged: query lengths, used key lengths, and the assignment of pages. */
export interface PagedSpec extends BaseSpec {
  readonly qLens: readonly number[];
  readonly used: readonly number[];
  readonly pageSize: number;
  /** 'permuted': every page has one owner, in random order. 'shared': all sequences start with the same pages. */
  readonly pages?: 'permuted' | 'shared';
  /** Query rows after the last sequence. */
  readonly spareRows?: number;
}

interface Shape {
  readonly hq: number;
  readonly hkv: number;
  readonly d: number;
  readonly dv: number;
}

/** Builds a dense problem with normally distributed data. */
export function denseProblem(spec: DenseSpec): ReferenceProblem {
  const { hq, hkv, d, dv } = shapeOf(spec);
  const { batch = 1, lq, lk = lq } = spec;
  const kvBatch = spec.kvBatch ?? batch;
  const tensors = fill(spec, [batch, hq, lq, d], [kvBatch, hkv, lk, d], [kvBatch, hkv, lk, dv]);
  const seqUsedK = spec.seqUsedK && Int32Array.from(spec.seqUsedK);
  return { ...tensors, ...(seqUsedK && { seqUsedK }), options: spec.options ?? {} };
}

/** Builds a packed problem with normally distributed data. */
export function packedProblem(spec: PackedSpec): ReferenceProblem {
  const { hq, hkv, d, dv } = shapeOf(spec);
  const cuSeqlensQ = cumulative(spec.qLens);
  const cuSeqlensK = cumulative(spec.kLens ?? spec.qLens);
  const [spareQ, spareK] = spec.spareRows ?? [0, 0];
  const tq = total(cuSeqlensQ) + spareQ;
  const tk = total(cuSeqlensK) + spareK;
  const seqUsedK = spec.used && Int32Array.from(spec.used);
  return {
    ...fill(spec, [tq, hq, d], [tk, hkv, d], [tk, hkv, dv]),
    cuSeqlensQ,
    cuSeqlensK,
    ...(seqUsedK && { seqUsedK }),
    options: spec.options ?? {},
  };
}

/** Builds a paged problem. Entries of the block table beyond a sequence's length are −1, and two pages of the pool have no owner. */
export function pagedProblem(spec: PagedSpec): ReferenceProblem {
  const { hq, hkv, d, dv } = shapeOf(spec);
  const needed = spec.used.map((n) => Math.ceil(n / spec.pageSize));
  const maxPages = Math.max(1, ...needed) + 1;
  const count = needed.reduce((sum, n) => sum + n, 0) + 2;
  const order = permutation(count, random(1000 + (spec.seed ?? 0)));
  const blockTable = new Int32Array(needed.length * maxPages).fill(-1);
  let next = 0;
  needed.forEach((pages, b) => {
    const first = spec.pages === 'shared' ? 0 : next;
    blockTable.set(order.subarray(first, first + pages), b * maxPages);
    next += pages;
  });
  return {
    ...fill(
      spec,
      [total(cumulative(spec.qLens)) + (spec.spareRows ?? 0), hq, d],
      [count, spec.pageSize, hkv, d],
      [count, spec.pageSize, hkv, dv],
    ),
    cuSeqlensQ: cumulative(spec.qLens),
    seqUsedK: Int32Array.from(spec.used),
    blockTable,
    options: spec.options ?? {},
  };
}

/** Returns running sums with a leading 0: [a, b] → [0, a, a + b]. */
export function cumulative(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((n, i) => (sums[i + 1] = (sums[i] ?? 0) + n));
  return sums;
}

function total(sums: Int32Array): number {
  return sums.at(-1) ?? 0;
}

function shapeOf({ heads: [hq, hkv] = [4, 2], dim = 64, dimV = dim }: BaseSpec): Shape {
  return { hq, hkv, d: dim, dv: dimV };
}

// A wider q gives the softmax peaks: flat weights would hide a lost rescale.
const qSpread = 1.5;

function fill(
  spec: BaseSpec,
  q: number[],
  k: number[],
  v: number[],
): { q: NdArray; k: NdArray; v: NdArray } {
  const source = random(spec.seed ?? 0);
  return {
    q: normal(q, source, spec.dtype, qSpread),
    k: normal(k, source, spec.dtype),
    v: normal(v, source, spec.dtype),
  };
}

/** Returns normally distributed values, rounded to the storage type. */
export function normal(
  shape: readonly number[],
  source: Random,
  dtype: FloatDType,
  spread = 1,
): NdArray {
  return generate(shape, () => toStorage(spread * source.normal(), dtype));
}

/** Rounds keys and values to what pages of a format can hold. `launch` packs them into such pages. */
export function quantised(problem: ReferenceProblem, format: QuantFormat): ReferenceProblem {
  const kept = (x: NdArray): NdArray => dequantise(quantise(x, format), x.shape.at(-1)!, format);
  return { ...problem, k: kept(problem.k), v: kept(problem.v), format };
}
