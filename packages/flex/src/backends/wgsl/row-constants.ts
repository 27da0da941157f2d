import type { Input, Node, Op } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';

// What is worth a register for the time that a row's keys go by.
const cheap: ReadonlySet<Op> = new Set<Op>([
  ...(['const', 'input', 'param', 'add', 'sub', 'mul', 'neg', 'abs', 'min', 'max'] as const),
  ...(['lt', 'le', 'eq', 'ne', 'and', 'or', 'not', 'select', 'toF32'] as const),
]);

/**
 * The largest parts of a value that depend on nothing but batch and head, and cost something: a kernel computes them
 * once per row.
 */
export function rowConstants(root: Node): Node[] {
  const perRow = new Set<Node>();
  const costly = new Set<Node>();
  const nodes = ordered([root]);
  for (const node of nodes) {
    const isRowInput = (['b', 'h'] as (Input | undefined)[]).includes(node.data as Input);
    if (node.op === 'input' ? isRowInput : node.args.every((arg) => perRow.has(arg))) {
      perRow.add(node);
    }
    if (!cheap.has(node.op) || node.args.some((arg) => costly.has(arg))) costly.add(node);
  }
  const isConstant = (node: Node): boolean =>
    perRow.has(node) && costly.has(node) && node.type !== 'bool';
  const reached = ordered([root], isConstant);
  return reached.filter(isConstant);
}
