import type { Input, Node, Op, TableSlot } from '../../ir/expression-node.ts';
import { inputsOf, ordered, replay } from '../../ir/traversal.ts';

// An operation outside this set is worth a register that holds its result while a row's keys are processed.
const cheap: ReadonlySet<Op> = new Set<Op>([
  ...(['const', 'input', 'param', 'add', 'sub', 'mul', 'neg', 'abs', 'min', 'max'] as const),
  ...(['lt', 'le', 'eq', 'ne', 'and', 'or', 'not', 'select', 'toF32'] as const),
]);

const perRowInputs: ReadonlySet<unknown> = new Set<Input>(['b', 'h', 'q', 'qLen', 'kvLen', 'qRow']);

/**
 * Returns the largest parts of a value that do not depend on the key and are not cheap: a kernel computes them once per row.
 */
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
  // Each becomes a separate function, even where they share nodes.
  const length = constants.reduce((sum, node) => sum + ordered([node]).length, 0);
  return length > MAX_OPERATIONS ? [] : constants;
}

const MAX_OPERATIONS = 4096;

/**
 * Returns the part of a value that reads tables and depends, within a head and sequence, on q − kv only; undefined if there is
 * none, or more than one.
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

/** Returns the part as a function of `offset` = q − kv: its value at (q, kv) is its value at (q − kv, 0). */
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

/** Steps of sums wrap, like the sums. */
const sums: { readonly [O in Op]?: (a: number, b: number) => number } = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  neg: (a) => -a | 0,
};

/**
 * Returns by how much each value changes from a pair to the next on its diagonal, (q + 1, kv + 1). Values whose change is not
 * known are missing.
 */
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
