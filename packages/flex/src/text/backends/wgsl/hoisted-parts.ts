import type { Input, Node, Op, TableSlot } from '../../ir/expression-node.ts';
import { inputsOf, ordered, replay } from '../../ir/traversal.ts';

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

/**
 * The part of a value that reads tables and is the same for all pairs of a head and sequence with one q − kv; nothing if
 * there is none, or more than one.
 */
export function diagonalPart(root: Node): Node | undefined {
  const steps = diagonalSteps(root);
  const reads = new Set<Node>();
  for (const node of steps.keys()) {
    const isRead = node.op === 'read' && inputsOf(node).has('kv');
    if (isRead || node.args.some((arg) => reads.has(arg))) reads.add(node);
  }
  const isPart = (node: Node): boolean =>
    steps.get(node) === 0 && reads.has(node) && node.type === 'f32';
  const parts = ordered([root], isPart).filter(isPart);
  return parts.length === 1 ? parts[0] : undefined;
}

/** The part as a function of `offset`: being the same for (q, kv) and (q − kv, 0), it is computed for the second. */
export function atOffset(part: Node): Node {
  const { graph } = part;
  const inputs: { readonly [I in Input]?: Node } = { q: graph.input('offset'), kv: graph.i32(0) };
  return replay(graph, part, (node, args) => {
    if (node.op === 'read') return graph.read(node.data as TableSlot, args);
    return inputs[node.data as Input] ?? node;
  });
}

const inputSteps: { readonly [I in Input]?: number } = {
  b: 0,
  h: 0,
  q: 1,
  kv: 1,
  qLen: 0,
  kvLen: 0,
};

/** Steps of sums wrap as the sums do. */
const sums: { readonly [O in Op]?: (a: number, b: number) => number } = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  neg: (a) => -a | 0,
};

/** By how much values change from a pair to the next on its diagonal, (q + 1, kv + 1); those are missing of which it is not known. */
function diagonalSteps(root: Node): Map<Node, number> {
  const steps = new Map<Node, number>();
  for (const node of ordered([root])) {
    const step = diagonalStep(
      node,
      node.args.map((arg) => steps.get(arg)),
    );
    if (step !== undefined) steps.set(node, step);
  }
  return steps;
}

function diagonalStep(
  { op, type, data }: Node,
  args: readonly (number | undefined)[],
): number | undefined {
  if (op === 'input') return inputSteps[data as Input];
  if (args.every((step) => step === 0)) return 0;
  const [a, b = 0] = args;
  const isKnown = args.every((step) => step !== undefined);
  return isKnown && type === 'i32' ? sums[op]?.(a!, b) : undefined;
}
