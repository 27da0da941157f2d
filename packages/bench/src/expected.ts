import {
  type Expected,
  expected,
  naiveAttention,
  type Problem as ReferenceProblem,
  referenceAttention,
} from '@heed/conformance';
import type { Problem } from './inputs.ts';
import { cuSeqlens, lengthsOf, totalTokens } from './lengths.ts';

/** The float64 result of a problem, token-major, with its error budget. A dense batch is a packed one of equal lengths. */
export function expectedOf({ workload, q, k, v, sinks }: Problem): Expected {
  const { headsQ, headsKv, headDim, causal, dtype, window } = workload;
  const [tokensQ, tokensK] = [totalTokens(workload, 'seqlenQ'), totalTokens(workload, 'seqlenK')];
  const problem: ReferenceProblem = {
    q: { shape: [tokensQ, headsQ, headDim], data: q },
    k: { shape: [tokensK, headsKv, headDim], data: k },
    v: { shape: [tokensK, headsKv, headDim], data: v },
    cuSeqlensQ: cuSeqlens(lengthsOf(workload, 'seqlenQ')),
    cuSeqlensK: cuSeqlens(lengthsOf(workload, 'seqlenK')),
    options: {
      causal,
      ...(window !== undefined && { window: [window, 0] as const }),
      ...(sinks && { sinks: { shape: [headsQ], data: sinks } }),
    },
  };
  return expected(referenceAttention(problem), naiveAttention(problem), dtype);
}
