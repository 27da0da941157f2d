import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import { elementType, type TableSlot } from '../../ir/slot.ts';
import { rules } from './rules.ts';

/** What one read of a float table adds to its gradient: dScore · `value`, at `indices` once they are clamped. */
export interface TableDerivative {
  readonly slot: TableSlot;
  readonly indices: readonly Node[];
  readonly value: Node;
}

/** The derivatives of a score mod's result, as nodes of its own graph. */
export interface Derivative {
  /** By the incoming score. */
  readonly score: Node;
  /** By each element read; a table that is read at two places is there twice. */
  readonly tables: readonly TableDerivative[];
}

/**
 * The derivative of a score mod. Forward mode, once for each leaf: a branch that is not taken then never gets to be
 * multiplied with what it would have been (0 · ∞ is not 0), and what the passes share is one node.
 */
export function derive(graph: Graph, root: Node): Derivative {
  const nodes = ordered([root]);
  const zero = graph.f32(0);
  const reads = nodes.filter(
    ({ op, data }) => op === 'read' && elementType(data as TableSlot) === 'f32',
  );
  const tables = reads.flatMap((read) => {
    const value = tangent(graph, nodes, read);
    return value ? [{ slot: read.data as TableSlot, indices: read.args, value }] : [];
  });
  return { score: tangent(graph, nodes, graph.input('score')) ?? zero, tables };
}

/** d(last node) / d(leaf), or nothing where it is 0 everywhere. */
function tangent(graph: Graph, nodes: readonly Node[], leaf: Node): Node | undefined {
  const zero = graph.f32(0);
  const tangents = new Map<Node, Node>([[leaf, graph.f32(1)]]);
  for (const node of nodes) {
    if (node === leaf || node.type !== 'f32') continue;
    const [, ...branches] = node.args.map((arg) => tangents.get(arg));
    const value =
      node.op === 'select'
        ? branches.some(Boolean) &&
          graph.select(node.args[0]!, branches[0] ?? zero, branches[1] ?? zero)
        : rules[node.op]?.({
            graph,
            args: node.args,
            tangents: node.args.map((arg) => tangents.get(arg)),
            value: node,
          });
    if (value) tangents.set(node, value);
  }
  return tangents.get(nodes.at(-1)!);
}
