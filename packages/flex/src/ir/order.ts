import type { Node } from './node.ts';

type Stop = (node: Node) => boolean;

/** Everything that the roots depend on, each once, arguments before what uses them; but not beyond where to stop. */
export function ordered(roots: readonly Node[], stop: Stop = () => false): Node[] {
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    if (!stop(node)) node.args.forEach(visit);
    seen.add(node);
  };
  for (const root of roots) visit(root);
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
