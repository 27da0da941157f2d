import {
  expected,
  gradientBudget,
  naiveAttention,
  naiveGradients,
  type NdArray,
  type Problem,
  type ReferenceOptions,
  referenceAttention,
  referenceGradients,
} from '@heed/conformance';
import type { BoxCase } from './case.ts';
import type { Probe } from './probe.ts';
import { type Input, valueAt, valuesFrom } from './values.ts';

/** What a probe should find, and how far off heed may be. */
export interface ProbeExpected {
  readonly want: ArrayLike<number>;
  readonly limit: number;
}

/** The rows of each probe in float64, with the conformance suite's error budget for f16. */
export function expectedAt(c: BoxCase, probes: readonly Probe[]): ProbeExpected[] {
  if (c.pass === 'backward') return expectedGradients(c, probes);
  return probes.map((probe) => {
    const problem = problemAt(c, probe);
    const { out, budgets } = expected(referenceAttention(problem), naiveAttention(problem), 'f16');
    return { want: out.data, limit: budgets.out.limit };
  });
}

/** Of a causal case with a query head for each kv head: the probes' rows are the same, and their queries all that see their keys. */
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

/** The queries of a probe over the keys that they can see; the diagonal is tied to the end, so it stays where it is. */
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

/** `shift`: how many keys lie behind the probe's last row, by which the reference puts its queries too late. */
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
