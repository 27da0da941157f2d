import type { Node } from './node.ts';

type Stop = (node: Node) => boolean;

/** Everything that the roots depend on, each once, arguments before what uses them; but not beyond where to stop. */
export function ordered(roots: readonly Node[], stop: Stop = () => false): Node[] {
  const seen = new Set<Node>();
  const opened = new Set<Node>();
  // Graphs are deeper than stacks: a node stays here until its arguments are done.
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

/** How often each node is used by the others and as a root. */
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
 * A function of nodes that is made of its values for the arguments: found once for each node, whatever the ways that lead
 * there, and on no stack. Arguments beyond where to stop are left out.
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
