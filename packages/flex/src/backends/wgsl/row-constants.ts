import type { Input, Node, Op } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';

// What is worth a register for the time that a row's keys go by.
const cheap: ReadonlySet<Op> = new Set<Op>([
  ...(['const', 'input', 'param', 'add', 'sub', 'mul', 'neg', 'abs', 'min', 'max'] as const),
  ...(['lt', 'le', 'eq', 'ne', 'and', 'or', 'not', 'select', 'toF32'] as const),
]);

const perRowInputs: ReadonlySet<unknown> = new Set<Input>(['b', 'h', 'q', 'qLen', 'kvLen', 'qRow']);

/** The largest parts of a value that do not depend on the key, and cost something: a kernel computes them once per row. */
export function rowConstants(root: Node): Node[] {
  const perRow = new Set<Node>();
  const costly = new Set<Node>();
  const nodes = ordered([root]);
  for (const node of nodes) {
    const isPerRow =
      node.op === 'input' ? perRowInputs.has(node.data) : node.args.every((arg) => perRow.has(arg));
    if (isPerRow) perRow.add(node);
    if (!cheap.has(node.op) || node.args.some((arg) => costly.has(arg))) costly.add(node);
  }
  const isConstant = (node: Node): boolean =>
    perRow.has(node) && costly.has(node) && node.type !== 'bool';
  const constants = ordered([root], isConstant).filter(isConstant);
  // Each is written as a function of its own, whatever they share.
  const length = constants.reduce((sum, node) => sum + ordered([node]).length, 0);
  return length > MAX_OPERATIONS ? [] : constants;
}

const MAX_OPERATIONS = 4096;
