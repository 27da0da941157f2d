import type { BinaryOp, Type, UnaryOp } from './expression-node.ts';

type Value = number | boolean;
type Evaluator = (a: number, b: number) => Value;

/** The operations on doubles, before rounding and wrapping. An operation that is missing here is a function of Math. */
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
  // Both arguments are booleans.
  and: (a, b) => a && b,
  or: (a, b) => a || b,
};

/** Applies an operation to doubles or booleans, without rounding or wrapping the result. */
export function exactly(op: UnaryOp | BinaryOp, a: number, b: number): Value {
  const evaluator = evaluators[op] ?? Math[op as 'atan2'];
  return evaluator(a, b);
}

/**
 * Results that the twin and the GPU agree on where adapters differ, or where JavaScript gives an infinity or NaN: the value
 * that stands for an infinity, and for NaN the value that hides a pair. The hooks' helper functions give the same.
 */
const agreed: {
  readonly [O in UnaryOp | BinaryOp]?: (a: number, b: number) => number | undefined;
} = {
  atan2: (a, b) => (a === 0 && b === 0 ? 0 : undefined),
  log: logarithm,
  log2: logarithm,
  mod: (_, b) => (b === 0 ? -INFINITE : undefined),
  pow: (a, b) => {
    if (a === 0) return b > 0 ? 0 : b < 0 ? INFINITE : 1;
    return a < 0 && !Number.isInteger(b) ? -INFINITE : undefined;
  },
};

function logarithm(a: number): number | undefined {
  return a <= 0 ? -INFINITE : undefined;
}

/** Evaluates an operation with the semantics of the GPU: f32 results round to nearest even, i32 results wrap. */
export function evaluate(op: UnaryOp | BinaryOp, type: Type, a: Value, b: Value): Value {
  const [x, y] = [a, b] as [number, number];
  if (type === 'i32' && op === 'mul') return Math.imul(x, y);
  const known = type === 'f32' ? agreed[op]?.(x, y) : undefined;
  return known ?? wrap(type, exactly(op, x, y));
}

/** Rounds or wraps a double to a value of `type`. */
function wrap(type: Type, value: Value): Value {
  if (type === 'bool') return value;
  return type === 'i32' ? (value as number) | 0 : Math.fround(value as number);
}

/**
 * Stands for infinity on the GPU, since WGSL has none. Sums and doubles of it stay finite, and every kernel treats a score of
 * −1e30 or less as masked.
 */
export const INFINITE: number = Math.fround(1e38);

// Every kernel treats this score, and all below it, as masked.
const MASKED = -1e30;

/** Returns the score that the softmax uses: −∞ for a hidden score or NaN, at most the largest score otherwise. */
export function asScore(value: number): number {
  return value > MASKED ? Math.min(value, INFINITE) : -Infinity;
}

/** Replaces ±Infinity by the finite value that stands for it on the GPU. */
export function finite(value: number): number {
  return Math.abs(value) === Infinity ? Math.sign(value) * INFINITE : value;
}
