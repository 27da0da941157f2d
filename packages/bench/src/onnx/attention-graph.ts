import {
  cuSeqlens,
  inPages,
  lengthsOf,
  maxLength,
  type Problem,
  type LengthName,
  totalTokens,
} from '../measure/bench-problem.ts';
import { padRows, sliceRows, swapMiddle } from '../measure/row-layouts.ts';
import {
  type ElementType,
  elementTypeNumber,
  type Graph,
  type OperatorNode,
  type ValueInfo,
} from './onnx-model.ts';

/** The value of one graph input. */
export interface Feed {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** Returns the rows of a tensor from `start`, padded: [N, maxLength − start, heads * headDim]. */
function rowsOf({ workload, ...data }: Problem, tensor: 'q' | 'k' | 'v', start = 0): Feed {
  const lengthName: LengthName = tensor === 'q' ? 'seqlenQ' : 'seqlenK';
  const width = (tensor === 'q' ? workload.headsQ : workload.headsKv) * workload.headDim;
  const [batch, seqlen] = [workload.sequences.length, maxLength(workload, lengthName)];
  const padded = padRows(data[tensor], lengthsOf(workload, lengthName), seqlen, width);
  return {
    data: sliceRows(padded, [batch, seqlen, width], start, seqlen),
    shape: [batch, seqlen - start, width],
  };
}

/** Returns the first `past` rows, head-major: [N, headsKv, past, headDim]. */
function cacheOf({ workload, ...data }: Problem, tensor: 'k' | 'v', past: number): Feed {
  const { sequences, headsKv, headDim } = workload;
  const batch = sequences.length;
  const seqlen = maxLength(workload, 'seqlenK');
  const kept = sliceRows(data[tensor], [batch, seqlen, headsKv * headDim], 0, past);
  return {
    data: swapMiddle(kept, [batch, past, headsKv, headDim]),
    shape: [batch, headsKv, past, headDim],
  };
}

/**
 * Makes a model that computes a problem, with its inputs. The output `out` is f32 [N, maxQ, headsQ * headDim]; for a paged problem
 * [Tq, headsQ * headDim].
 */
export interface AttentionGraph {
  readonly how: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Feed>>;
}

// onnxruntime-node does not take the Float16Array of newer Nodes, so the output is f32. In an f32 graph the cast does nothing.
const widen: OperatorNode = {
  op: 'Cast',
  inputs: ['attended'],
  outputs: ['out'],
  attributes: { to: { int: elementTypeNumber('float32') } },
};

/** Makes a graph of the feeds, the operator, and a cast of its output to f32. */
function graphOf(
  { workload }: Problem,
  attention: OperatorNode,
  feeds: Readonly<Record<string, Feed>>,
  presents: readonly Omit<ValueInfo, 'type'>[],
  outShape: readonly number[] = paddedShape(workload),
): Graph {
  const storage: ElementType = workload.dtype === 'f16' ? 'float16' : 'float32';
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

function paddedShape(workload: Problem['workload']): number[] {
  const { sequences, headsQ, headDim } = workload;
  return [sequences.length, maxLength(workload, 'seqlenQ'), headsQ * headDim];
}

/**
 * Makes a graph of PagedAttention. The pages hold the past, and the operator appends the keys and values of the query tokens to a
 * copy, since onnxruntime-node cannot bind an output to the memory of an input.
 */
function pagedGraph(problem: Problem): AttentionGraph | { unsupported: string } {
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
    // The operator has no value for an absent page.
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

/** Returns the last seqlenQ rows of each sequence, [Tq, headsKv * headDim]. */
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

/** Returns the ONNX Runtime operator that computes a problem, or why there is none. */
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

/** With a past, the past keys and values are a cache input, and the operator appends the new ones. */
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
  // The empty names are cos_cache, sin_cache, position_ids and attention_bias.
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
  // With a past, shape inference assumes that the present outputs are no longer than the past, and onnxruntime-web relies on it.
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
