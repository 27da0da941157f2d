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
  const reads = nodes.filter(
    ({ op, data }) => op === 'read' && elementType(data as TableSlot) === 'f32',
  );
  const tables = reads.flatMap((read) => {
    const value = tangent(nodes, read);
    return value ? [{ slot: read.data as TableSlot, indices: read.args, value }] : [];
  });
  return { score: tangent(nodes, graph.input('score')) ?? graph.f32(0), tables };
}

/** d(last node) / d(leaf), or nothing where it is 0 everywhere. */
function tangent(nodes: readonly Node[], leaf: Node): Node | undefined {
  const tangents = new Map<Node, Node | undefined>([[leaf, leaf.graph.f32(1)]]);
  for (const node of nodes) {
    if (node === leaf || node.type !== 'f32') continue;
    const { op, args } = node;
    const ofArgs = args.map((arg) => tangents.get(arg));
    if (ofArgs.some(Boolean)) tangents.set(node, rules[op]?.(node, args, ofArgs));
  }
  return tangents.get(nodes.at(-1)!);
}
