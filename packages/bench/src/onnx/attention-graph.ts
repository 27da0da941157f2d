import type { Problem } from '../inputs.ts';
import { lengthsOf, maxLength } from '../lengths.ts';
import { cacheOf, type Feed, rowsOf } from './feeds.ts';
import { pagedGraph } from './paged-graph.ts';
import { type AttentionGraph, graphOf } from './graph-of.ts';
import type { OperatorNode } from './model.ts';

/** The ONNX Runtime operator that computes a problem, or the reason there is none. */
export function attentionGraph(problem: Problem): AttentionGraph | { unsupported: string } {
  const { layout, causal, sequences, headsQ, headsKv, window, sinks } = problem.workload;
  if (layout === 'paged') return pagedGraph(problem);
  const [first] = sequences;
  const self = sequences.every(({ seqlenQ, seqlenK }) => seqlenQ === seqlenK);
  const isPlain = window === undefined && !sinks;
  if (layout === 'dense' && self && headsQ === headsKv && isPlain) return multiHead(problem);
  if (!causal) return { unsupported: 'GroupQueryAttention is always causal' };
  if (self) return groupQuery(problem, 0);
  if (layout === 'packed') return { unsupported: 'no packed f32 operator with a past' };
  return groupQuery(problem, (first?.seqlenK ?? 0) - (first?.seqlenQ ?? 0));
}

function multiHead(problem: Problem): AttentionGraph {
  const { causal, headsQ } = problem.workload;
  const feeds = { q: rowsOf(problem, 'q'), k: rowsOf(problem, 'k'), v: rowsOf(problem, 'v') };
  const attributes = {
    num_heads: { int: headsQ },
    ...(causal ? { unidirectional: { int: 1 } } : {}),
  };
  const node: OperatorNode = {
    op: 'MultiHeadAttention',
    domain: 'com.microsoft',
    inputs: ['q', 'k', 'v'],
    outputs: ['attended'],
    attributes,
  };
  return { how: 'MultiHeadAttention', graph: graphOf(problem, node, feeds, []), feeds };
}

/** With a past, its keys and values go in as a cache and the operator appends the new ones. */
function groupQuery(problem: Problem, past: number): AttentionGraph {
  const { workload, sinks } = problem;
  const { headsQ, headsKv, headDim, sequences, window } = workload;
  const lengths = lengthsOf(workload, 'seqlenK');
  const total = maxLength(workload, 'seqlenK');
  const cache =
    past === 0 ? {} : { pastK: cacheOf(problem, 'k', past), pastV: cacheOf(problem, 'v', past) };
  const feeds: Record<string, Feed> = {
    q: rowsOf(problem, 'q'),
    k: rowsOf(problem, 'k', past),
    v: rowsOf(problem, 'v', past),
    ...cache,
    lastKey: { data: Int32Array.from(lengths, (length) => length - 1), shape: [lengths.length] },
    total: { data: Int32Array.of(total), shape: [1] },
    ...(sinks && { sinks: { data: sinks, shape: [headsQ] } }),
  };
  // Between them: cos_cache, sin_cache, position_ids, attention_bias.
  const sink = sinks ? ['', '', '', '', 'sinks'] : [];
  const pasts = past === 0 ? ['', ''] : ['pastK', 'pastV'];
  const node: OperatorNode = {
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: ['q', 'k', 'v', ...pasts, 'lastKey', 'total', ...sink],
    outputs: ['attended', 'presentK', 'presentV'],
    attributes: {
      num_heads: { int: headsQ },
      kv_num_heads: { int: headsKv },
      ...(window !== undefined && { local_window_size: { int: window + 1 } }),
    },
  };
  // With a past, shape inference takes it that the presents are no longer, and onnxruntime-web holds on to that.
  const extent = past === 0 ? total : undefined;
  const presents = ['presentK', 'presentV'].map((name) => ({
    name,
    shape: [sequences.length, headsKv, extent, headDim],
  }));
  const padded = lengths.some((length) => length !== total) ? ', padded batch with lengths' : '';
  const appended = past === 0 ? '' : ' with past (appends inside)';
  return {
    how: `GroupQueryAttention${appended}${padded}`,
    graph: graphOf(problem, node, feeds, presents),
    feeds,
  };
}
