import type { BinaryOp, Graph, Input, Node, UnaryOp } from './expression-node.ts';

type Stop = (node: Node) => boolean;

/**
 * Returns the nodes that the roots depend on, each once, arguments before their users. Arguments of a node at which `stop`
 * holds are left out.
 */
export function ordered(roots: readonly Node[], stop: Stop = () => false): Node[] {
  const seen = new Set<Node>();
  const opened = new Set<Node>();
  // Recursion could overflow the stack: a node stays here until its arguments are done.
  const open = roots.toReversed();
  for (let node = open.at(-1); node; node = open.at(-1)) {
    if (seen.has(node) || opened.has(node) || stop(node)) {
      seen.add(node);
      open.pop();
      continue;
    }
    opened.add(node);
    for (let i = node.args.length - 1; i >= 0; i--) {
      if (!seen.has(node.args[i]!)) open.push(node.args[i]!);
    }
  }
  return [...seen];
}

/** Counts how often each node is used, by other nodes and as a root. */
export function useCounts(roots: readonly Node[], stop: Stop = () => false): Map<Node, number> {
  const counts = new Map<Node, number>();
  const use = (node: Node): void => {
    counts.set(node, (counts.get(node) ?? 0) + 1);
  };
  for (const node of ordered(roots, stop)) if (!stop(node)) node.args.forEach(use);
  roots.forEach(use);
  return counts;
}

/**
 * Makes a memoised function of nodes from a rule that computes its value from the values of the arguments. Each node is
 * evaluated once and without recursion; a node at which `stop` holds gets no argument values.
 */
export function perNode<T>(
  find: (node: Node, ofArgs: readonly T[]) => T,
  stop: Stop = () => false,
): (node: Node) => T {
  const known = new WeakMap<Node, T>();
  const ends = (node: Node): boolean => known.has(node) || stop(node);
  return (root) => {
    for (const node of known.has(root) ? [] : ordered([root], ends)) {
      if (known.has(node)) continue;
      const ofArgs = stop(node) ? [] : node.args.map((arg) => known.get(arg)!);
      known.set(node, find(node, ofArgs));
    }
    return known.get(root)!;
  };
}

const inputsOfOne = perNode<ReadonlySet<Input>>(({ op, data }, ofArgs) =>
  op === 'input' ? new Set([data as Input]) : union(ofArgs),
);

/**
 * Returns the inputs that the values depend on; captures are not among them.
 *
 * @example
 * inputsOf(read.args[0]) // Set { 'h' }: every query and key of a head adds to the same element
 */
export function inputsOf(...roots: readonly Node[]): ReadonlySet<Input> {
  return union(roots.map(inputsOfOne));
}

const NONE: ReadonlySet<Input> = new Set();

/** Returns the union: the first set itself if it contains the others. */
function union([first = NONE, ...others]: readonly ReadonlySet<Input>[]): ReadonlySet<Input> {
  const more = others.flatMap((set) => [...set].filter((input) => !first.has(input)));
  return more.length > 0 ? new Set([...first, ...more]) : first;
}

/** Returns the replacement of an input, a captured number or an element of a table. */
type LeafOf = (node: Node, args: readonly Node[]) => Node;

/** Rebuilds a value in a graph over other leaves. The result is folded and simplified. */
export function replay(graph: Graph, root: Node, leafOf: LeafOf): Node {
  return remade(root, (node, args) => {
    const { op, type, data } = node;
    if (op === 'input' || op === 'param' || op === 'read') return leafOf(node, args);
    if (op === 'const') return graph.const(type, data as number | boolean);
    if (op === 'select') return graph.select(args[0]!, args[1]!, args[2]!);
    return graph.op(op as UnaryOp | BinaryOp, args[0]!, args[1]);
  });
}

/** Copies a value into a graph over other leaves, without simplification. */
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
