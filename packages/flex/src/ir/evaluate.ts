import type { BinaryOp, Type, UnaryOp } from './node.ts';

type Value = number | boolean;
type Evaluator = (a: number, b: number) => Value;

/** Operations on doubles, as JavaScript has them; rounding and wrapping come after. What is missing is in Math. */
const evaluators: { readonly [O in UnaryOp | BinaryOp]?: Evaluator } = {
  neg: (a) => -a,
  exp2: (a) => 2 ** a,
  bitnot: (a) => ~a,
  clz: Math.clz32,
  toF32: (a) => a,
  toI32: (a) => Math.trunc(Math.min(Math.max(a, -(2 ** 31)), 2 ** 31 - 128)),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  idiv: (a, b) => (b === 0 ? a : a / b),
  floordiv: (a, b) => (b === 0 ? a : Math.floor(a / b)),
  mod: (a, b) => a % b,
  bitand: (a, b) => a & b,
  bitor: (a, b) => a | b,
  bitxor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  ushr: (a, b) => a >>> b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  not: (a) => !a,
  // Of booleans.
  and: (a, b) => a && b,
  or: (a, b) => a || b,
};

/** The operation on doubles, or on booleans. */
export function exactly(op: UnaryOp | BinaryOp, a: number, b: number): Value {
  const evaluator = evaluators[op] ?? Math[op as 'atan2'];
  return evaluator(a, b);
}

/** What the GPU means by an operation with a result of `type`: f32 rounds to nearest even, i32 wraps. */
export function evaluate(op: UnaryOp | BinaryOp, type: Type, a: Value, b: Value): Value {
  const [x, y] = [a, b] as [number, number];
  return op === 'mul' && type === 'i32' ? Math.imul(x, y) : wrap(type, exactly(op, x, y));
}

/** A double as a value of `type`. */
export function wrap(type: Type, value: Value): Value {
  if (type === 'bool') return value;
  return type === 'i32' ? (value as number) | 0 : Math.fround(value as number);
}
