import type { BinaryOp, Type, UnaryOp } from './node.ts';

type Value = number | boolean;
type Evaluator = (a: number, b: number) => Value;

/** Operations on doubles, as JavaScript has them; rounding and wrapping come after. */
const evaluators: Record<Exclude<UnaryOp | BinaryOp, 'not' | 'and' | 'or'>, Evaluator> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  log: Math.log,
  log2: Math.log2,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
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
  min: Math.min,
  max: Math.max,
  pow: (a, b) => a ** b,
  atan2: Math.atan2,
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
};

/** What the GPU means by an operation with a result of `type`: f32 rounds to nearest even, i32 wraps. */
export function evaluate(op: UnaryOp | BinaryOp, type: Type, a: Value, b: Value): Value {
  if (op === 'not') return !a;
  if (op === 'and') return a && b;
  if (op === 'or') return a || b;
  if (op === 'mul' && type === 'i32') return Math.imul(a as number, b as number);
  return wrap(type, evaluators[op](a as number, b as number));
}

/** A double as a value of `type`. */
export function wrap(type: Type, value: Value): Value {
  if (type === 'bool') return value;
  return type === 'i32' ? (value as number) | 0 : Math.fround(value as number);
}
