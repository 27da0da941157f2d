import type { Problem } from '../inputs.ts';
import { lengthsOf, maxLength } from '../lengths.ts';
import { cacheOf, type Feed, rowsOf } from './feeds.ts';
import {
  type ElementType,
  elementTypeNumber,
  type Graph,
  type OperatorNode,
  type ValueInfo,
} from './model.ts';

// onnxruntime-node does not take the Float16Array that newer Nodes have, so f32 leaves the graph; on an f32
// graph the cast is nothing.
const widen: OperatorNode = {
  op: 'Cast',
  inputs: ['attended'],
  outputs: ['out'],
  attributes: { to: { int: elementTypeNumber('float32') } },
};

/** A model that computes a problem, with its inputs. The output named `out` is f32 [N, maxQ, headsQ * headDim]. */
export interface AttentionGraph {
  readonly how: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Feed>>;
}

/** The ONNX Runtime operator that computes a problem, or the reason there is none. */
export function attentionGraph(problem: Problem): AttentionGraph | { unsupported: string } {
  const { layout, causal, sequences, headsQ, headsKv } = problem.workload;
  const [first] = sequences;
  const self = sequences.every(({ seqlenQ, seqlenK }) => seqlenQ === seqlenK);
  if (layout === 'dense' && self && headsQ === headsKv) return multiHead(problem);
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
  const { workload } = problem;
  const { headsQ, headsKv, headDim, sequences } = workload;
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
  };
  const pasts = past === 0 ? ['', ''] : ['pastK', 'pastV'];
  const node: OperatorNode = {
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: ['q', 'k', 'v', ...pasts, 'lastKey', 'total'],
    outputs: ['attended', 'presentK', 'presentV'],
    attributes: { num_heads: { int: headsQ }, kv_num_heads: { int: headsKv } },
  };
  const presents = ['presentK', 'presentV'].map((name) => ({
    name,
    shape: [sequences.length, headsKv, total, headDim],
  }));
  const padded = lengths.some((length) => length !== total) ? ', padded batch with lengths' : '';
  const appended = past === 0 ? '' : ' with past (appends inside)';
  return {
    how: `GroupQueryAttention${appended}${padded}`,
    graph: graphOf(problem, node, feeds, presents),
    feeds,
  };
}

function graphOf(
  { workload }: Problem,
  attention: OperatorNode,
  feeds: Readonly<Record<string, Feed>>,
  presents: readonly Omit<ValueInfo, 'type'>[],
): Graph {
  const storage: ElementType = workload.dtype === 'f16' ? 'float16' : 'float32';
  const { headsQ, headDim, sequences } = workload;
  const outShape = [sequences.length, maxLength(workload, 'seqlenQ'), headsQ * headDim];
  return {
    nodes: [attention, widen],
    inputs: Object.entries(feeds).map(([name, { data, shape }]) => ({
      name,
      type: data instanceof Int32Array ? 'int32' : storage,
      shape,
    })),
    outputs: [
      { name: 'out', type: 'float32', shape: outShape },
      ...presents.map((value) => ({ ...value, type: storage })),
    ],
  };
}
