import {
  expected,
  gradientBudget,
  naiveAttention,
  naiveGradients,
  type NdArray,
  type ReferenceProblem as Problem,
  referenceAttention,
  referenceGradients,
  type ReferenceOptions,
} from '@heed/conformance/reference';
import type { Unsupported } from '../measure/bench-problem.ts';
import type { BoxCase } from './box-cases.ts';

/** The name of a tensor that a case computes. */
export type Output = 'out' | 'dq' | 'dk' | 'dv';

/** Rows of one head to compare, since computing all rows in float64 takes too long. */
export interface Probe {
  readonly output: Output;
  readonly batch: number;
  /** Index of a query row, or of a key row for dk and dv. */
  readonly head: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

const ROWS = { forward: 16, backward: 128 } as const;

/** Returns the rows to compare: from the middle and from the end, of the last head of the last batch entry. */
export function probesOf({ pass, batch, headsQ, headsKv, seqlenQ, seqlenK }: BoxCase): Probe[] {
  const rows = ROWS[pass];
  const at = (output: Output, heads: number, seqlen: number, end: number): Probe => ({
    output,
    batch: batch - 1,
    head: heads - 1,
    rowStart: Math.max(0, Math.min(end, seqlen) - rows),
    rowEnd: Math.min(end, seqlen),
  });
  if (pass === 'backward') {
    return [
      at('dq', headsQ, seqlenQ, seqlenQ),
      // Only the last queries see the last keys.
      at('dk', headsKv, seqlenK, seqlenK),
      at('dv', headsKv, seqlenK, seqlenK),
    ];
  }
  const ends = seqlenQ > 2 * rows ? [Math.floor(seqlenQ / 2) + 3, seqlenQ] : [seqlenQ];
  return ends.map((end) => at('out', headsQ, seqlenQ, end));
}

/** Milliseconds of one call. */
export interface CallTime {
  /** Wall time of several calls until all are done, divided by their number. */
  readonly ms: number;
  /** The same by the GPU's clock, if it has one. */
  readonly gpuMs?: number;
}

/** A case set up in one program. */
export interface Loaded {
  /** The call that is timed, in a few words. */
  readonly how: string;
  /** The values of each probe in the first run. */
  readonly samples: readonly ArrayLike<number>[];
  /** Calls `count` times in a row, and waits for the last call. */
  readonly time: (calls: number) => Promise<CallTime>;
  readonly dispose: () => Promise<void>;
}

/** A program that runs on the card. */
export interface Program {
  readonly name: string;
  load(boxCase: BoxCase, probes: readonly Probe[]): Promise<Loaded | Unsupported>;
}

/** The input tensors of a case. */
export type Input = 'q' | 'k' | 'v' | 'dOut' | 'bias';

/** First index and factor of each tensor's numbers. The factor 4 of q makes scores with a deviation of 1.3. */
export const sources: Readonly<Record<Input, { readonly seed: number; readonly factor: number }>> =
  {
    q: { seed: 1, factor: 4 },
    k: { seed: 2, factor: 1 },
    v: { seed: 3, factor: 1 },
    dOut: { seed: 4, factor: 1 },
    bias: { seed: 5, factor: 1 },
  };

/**
 * Returns number `index` of a tensor, in [−factor, factor). It is the upper 11 bits of a hash: exact in f16, and the GPU, the host and
 * the other process can compute it without transfer.
 */
export function valueAt(input: Input, index: number): number {
  const { seed, factor } = sources[input];
  return (((hash(index, seed) >>> 21) - 1024) / 1024) * factor;
}

/** lowbias32 of https://github.com/skeeto/hash-prospector, seeded. */
function hash(index: number, seed: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Returns numbers `start` … `start + count − 1` of a tensor. */
export function valuesFrom(input: Input, start: number, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = valueAt(input, start + i);
  return values;
}

/** The expected values of a probe, and heed's error limits. */
export interface ProbeExpected {
  readonly want: ArrayLike<number>;
  readonly limit: number;
}

/** Computes the rows of each probe in float64, with the conformance suite's error budget for f16. */
export function expectedAt(c: BoxCase, probes: readonly Probe[]): ProbeExpected[] {
  if (c.pass === 'backward') return expectedGradients(c, probes);
  return probes.map((probe) => {
    const problem = problemAt(c, probe);
    const { out, budgets } = expected(referenceAttention(problem), naiveAttention(problem), 'f16');
    return { want: out.data, limit: budgets.out.limit };
  });
}

/** For a causal case with one query head per kv head: the probes have the same rows, and only their queries see their keys. */
function expectedGradients(c: BoxCase, probes: readonly Probe[]): ProbeExpected[] {
  const [first] = probes as [Probe];
  const problem = problemAt(c, first);
  const by = { dOut: queryRows(c, first, 'dOut') };
  const [reference, naive] = [
    referenceGradients(problem, by),
    naiveGradients(problem, by, 'f16'),
  ] as const;
  return probes.map((probe) => {
    const output = probe.output as 'dq' | 'dk' | 'dv';
    const want = lastRows(reference[output], probe);
    const budget = gradientBudget(want, lastRows(naive[output], probe), 'f16');
    return { want: want.data, limit: budget.limit };
  });
}

/** Makes the problem of a probe's queries over the keys that they see. Its diagonal is tied to the end, so it stays the same. */
function problemAt(c: BoxCase, probe: Probe): Problem {
  const seqlenK = c.seqlenQ === c.seqlenK && isCausal(c) ? probe.rowEnd : c.seqlenK;
  const kvHead = Math.floor(probe.head / (c.headsQ / c.headsKv));
  const keys = (input: Input): NdArray => ({
    shape: [1, 1, seqlenK, c.headDim],
    data: valuesFrom(
      input,
      (probe.batch * c.headsKv + kvHead) * c.seqlenK * c.headDim,
      seqlenK * c.headDim,
    ),
  });
  const offset = seqlenK - (c.seqlenQ === c.seqlenK ? probe.rowEnd : c.seqlenK);
  return {
    q: queryRows(c, probe, 'q'),
    k: keys('k'),
    v: keys('v'),
    options: optionsOf(c, probe, offset),
  };
}

function queryRows(c: BoxCase, { batch, head, rowStart, rowEnd }: Probe, input: Input): NdArray {
  const start = ((batch * c.headsQ + head) * c.seqlenQ + rowStart) * c.headDim;
  const rows = rowEnd - rowStart;
  return {
    shape: [1, 1, rows, c.headDim],
    data: valuesFrom(input, start, rows * c.headDim),
  };
}

/** `shift`: number of keys after the probe's last row, by which the positions of its queries are too high in the reference. */
function optionsOf({ causal, mod }: BoxCase, { head }: Probe, shift: number): ReferenceOptions {
  if (mod?.kind === 'slidingWindow') return { window: [mod.window, 0] };
  if (mod?.kind !== 'relativeBias') return { causal };
  const { maxDistance } = mod;
  const width = 2 * maxDistance + 1;
  return {
    causal,
    scoreMod: (score, b, h, q, kv) => {
      const distance = Math.max(-maxDistance, Math.min(q - shift - kv, maxDistance));
      return score + valueAt('bias', head * width + distance + maxDistance);
    },
  };
}

function isCausal({ causal, mod }: BoxCase): boolean {
  return causal || mod?.kind === 'slidingWindow';
}

function lastRows({ shape, data }: NdArray, { rowStart, rowEnd }: Probe): NdArray {
  const [, , , headDim = 0] = shape;
  const rows = rowEnd - rowStart;
  return { shape: [1, 1, rows, headDim], data: data.slice(data.length - rows * headDim) };
}
