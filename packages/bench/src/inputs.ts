import { random, toStorage } from '@heed/conformance';
import { totalTokens } from './lengths.ts';
import type { Workload } from './workloads.ts';

/** A workload with its numbers: token-major values that the storage type holds exactly. */
export interface Problem {
  readonly workload: Workload;
  /** [Tq, headsQ, headDim] */
  readonly q: Float32Array;
  /** [Tk, headsKv, headDim] */
  readonly k: Float32Array;
  /** [Tk, headsKv, headDim] */
  readonly v: Float32Array;
  /** [headsQ], where the workload has sinks. */
  readonly sinks?: Float32Array;
}

/** The problem of a workload: normal values from a fixed seed, rounded to the storage type. */
export function problemOf(workload: Workload): Problem {
  const { headsQ, headsKv, headDim, dtype } = workload;
  const source = random(17);
  const values = (tokens: number, heads: number): Float32Array =>
    Float32Array.from({ length: tokens * heads * headDim }, () =>
      toStorage(source.normal(), dtype),
    );
  const [tokensQ, tokensK] = [totalTokens(workload, 'seqlenQ'), totalTokens(workload, 'seqlenK')];
  return {
    workload,
    q: values(tokensQ, headsQ),
    k: values(tokensK, headsKv),
    v: values(tokensK, headsKv),
    ...(workload.sinks && {
      sinks: Float32Array.from({ length: headsQ }, () => toStorage(source.normal(), dtype)),
    }),
  };
}
