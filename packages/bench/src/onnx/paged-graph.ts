import type { Problem } from '../inputs.ts';
import { cuSeqlens, lengthsOf, totalTokens } from '../lengths.ts';
import { inPages } from '../pages.ts';
import type { Feed } from './feeds.ts';
import { type AttentionGraph, graphOf } from './graph-of.ts';
import type { OperatorNode } from './model.ts';

/**
 * PagedAttention: the pages hold the past, and the operator appends the keys and values of the queries' own tokens, in a copy:
 * onnxruntime-node does not bind an output to the memory of an input, given tensors or not.
 */
export function pagedGraph(problem: Problem): AttentionGraph | { unsupported: string } {
  const { workload } = problem;
  const { headsQ, headsKv, headDim, dtype, sequences, window, sinks, pageSize = 1 } = workload;
  if (dtype !== 'f16') return { unsupported: 'PagedAttention takes f16 only' };
  if (window !== undefined || sinks) return { unsupported: 'not tried with a window or sinks' };
  const width = headsKv * headDim;
  const [keys, values] = [problem.k, problem.v].map((x) =>
    inPages(workload, x, width, { pastOnly: true }),
  ) as [ReturnType<typeof inPages>, ReturnType<typeof inPages>];
  const tokens = totalTokens(workload, 'seqlenQ');
  const pool = { shape: [keys.pages, pageSize, headsKv, headDim] };
  const ints = (data: Int32Array, ...shape: number[]): Feed => ({ data, shape });
  const pasts = sequences.map(({ seqlenQ, seqlenK }) => seqlenK - seqlenQ);
  const feeds: Record<string, Feed> = {
    q: { data: problem.q, shape: [tokens, headsQ * headDim] },
    k: { data: newRows(problem, 'k'), shape: [tokens, width] },
    v: { data: newRows(problem, 'v'), shape: [tokens, width] },
    keyCache: { data: keys.pool, ...pool },
    valueCache: { data: values.pool, ...pool },
    cuSeqlens: ints(cuSeqlens(lengthsOf(workload, 'seqlenQ')), sequences.length + 1),
    pasts: ints(Int32Array.from(pasts), sequences.length),
    // It takes no page for none.
    table: ints(
      keys.table.map((page) => Math.max(0, page)),
      sequences.length,
      keys.maxPages,
    ),
  };
  const node: OperatorNode = {
    op: 'PagedAttention',
    domain: 'com.microsoft',
    inputs: Object.keys(feeds),
    outputs: ['attended', 'keyCacheOut', 'valueCacheOut'],
    attributes: { num_heads: { int: headsQ }, kv_num_heads: { int: headsKv } },
  };
  const caches = ['keyCacheOut', 'valueCacheOut'].map((name) => ({ name, ...pool }));
  return {
    how: 'PagedAttention (copies the pages and appends inside)',
    graph: graphOf(problem, node, feeds, caches, [tokens, headsQ * headDim]),
    feeds,
  };
}

/** The last seqlenQ rows of each sequence, [Tq, headsKv * headDim]. */
function newRows({ workload, ...data }: Problem, tensor: 'k' | 'v'): Float32Array {
  const width = workload.headsKv * workload.headDim;
  const rows = new Float32Array(totalTokens(workload, 'seqlenQ') * width);
  let [from, to] = [0, 0];
  for (const { seqlenQ, seqlenK } of workload.sequences) {
    rows.set(
      data[tensor].subarray((from + seqlenK - seqlenQ) * width, (from + seqlenK) * width),
      to * width,
    );
    from += seqlenK;
    to += seqlenQ;
  }
  return rows;
}
