import type { Problem } from '../inputs.ts';
import { maxLength } from '../lengths.ts';
import type { Feed } from './feeds.ts';
import {
  type ElementType,
  elementTypeNumber,
  type Graph,
  type OperatorNode,
  type ValueInfo,
} from './model.ts';

/**
 * A model that computes a problem, with its inputs. The output named `out` is f32 [N, maxQ, headsQ * headDim], of a paged problem
 * [Tq, headsQ * headDim].
 */
export interface AttentionGraph {
  readonly how: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Feed>>;
}

// onnxruntime-node does not take the Float16Array that newer Nodes have, so f32 leaves the graph; on an f32
// graph the cast is nothing.
const widen: OperatorNode = {
  op: 'Cast',
  inputs: ['attended'],
  outputs: ['out'],
  attributes: { to: { int: elementTypeNumber('float32') } },
};

/** Feeds in, the operator, its output widened to f32. */
export function graphOf(
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
