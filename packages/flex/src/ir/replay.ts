import type { BinaryOp, Graph, Node, UnaryOp } from './node.ts';
import { ordered } from './order.ts';

/** What an input, a captured number or an element of a table becomes. */
type LeafOf = (node: Node, args: readonly Node[]) => Node;

/** A value made anew, in that graph, over other leaves: folded and simplified as if it had been written so. */
export function replay(graph: Graph, root: Node, leafOf: LeafOf): Node {
  return remade(root, (node, args) => {
    const { op, type, data } = node;
    if (op === 'input' || op === 'param' || op === 'read') return leafOf(node, args);
    if (op === 'const') return graph.const(type, data as number | boolean);
    if (op === 'select') return graph.select(args[0]!, args[1]!, args[2]!);
    return graph.op(op as UnaryOp | BinaryOp, args[0]!, args[1]);
  });
}

/** A value as it is, in another graph, but for its leaves. */
export function transfer(graph: Graph, root: Node, leafOf: LeafOf): Node {
  return remade(root, (node, args) => {
    const { op, data } = node;
    const isLeaf = op === 'input' || op === 'param' || op === 'read';
    return isLeaf ? leafOf(node, args) : graph.adopt(node, args, data);
  });
}

function remade(root: Node, make: LeafOf): Node {
  const copies = new Map<Node, Node>();
  for (const node of ordered([root])) {
    const args = node.args.map((arg) => copies.get(arg)!);
    copies.set(node, make(node, args));
  }
  return copies.get(root)!;
}
