import type { BinaryOp, Node, UnaryOp } from './node.ts';

/** A number becomes a constant of the other operand's type. */
type Operand = Node | number;

const unary =
  (op: UnaryOp) =>
  (a: Node): Node =>
    a.graph.op(op, a);

const binary =
  (op: BinaryOp) =>
  (a: Operand, b: Operand): Node => {
    const { graph, type } = (typeof a === 'object' ? a : b) as Node;
    const [x, y] = [a, b].map((operand) =>
      typeof operand === 'object' ? operand : graph.number(type, operand),
    );
    return graph.op(op, x!, y);
  };

// The operations of the IR as functions, for code that makes graphs.
export const neg: (a: Node) => Node = unary('neg');
export const abs: (a: Node) => Node = unary('abs');
export const sqrt: (a: Node) => Node = unary('sqrt');
export const not: (a: Node) => Node = unary('not');
export const toF32: (a: Node) => Node = unary('toF32');

export const add: (a: Operand, b: Operand) => Node = binary('add');
export const sub: (a: Operand, b: Operand) => Node = binary('sub');
export const mul: (a: Operand, b: Operand) => Node = binary('mul');
export const div: (a: Operand, b: Operand) => Node = binary('div');
export const min: (a: Operand, b: Operand) => Node = binary('min');
export const max: (a: Operand, b: Operand) => Node = binary('max');
export const lt: (a: Operand, b: Operand) => Node = binary('lt');
export const le: (a: Operand, b: Operand) => Node = binary('le');
export const eq: (a: Operand, b: Operand) => Node = binary('eq');
export const and: (a: Node, b: Node) => Node = binary('and');
export const or: (a: Node, b: Node) => Node = binary('or');

/** `a` where the condition holds, else `b`. */
export function select(condition: Node, a: Node, b: Node): Node {
  return condition.graph.select(condition, a, b);
}
