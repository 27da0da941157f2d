import type { Graph } from './graph.ts';
import type { Slot, TableSlot } from './slot.ts';

export type Type = 'i32' | 'f32' | 'bool';

/** What a mod is told about a pair. Indices count from 0; `q` is the logical position, which may be negative. */
export type ModInput = 'score' | 'b' | 'h' | 'q' | 'kv' | 'qLen' | 'kvLen' | 'qRow' | 'kvRow';

/** What bounds are told about a block of pairs; all inclusive. `b` and `kvLen` are those of {@link ModInput}. */
export type SpanInput = 'hFirst' | 'hLast' | 'qFirst' | 'qLast' | 'kvFirst' | 'kvLast';

/** What the part of a mod that depends on the pair by its diagonal is told, for `q` and `kv`: `q − kv`. */
export type DiagonalInput = 'offset';

export type Input = ModInput | SpanInput | DiagonalInput;

/**
 * One operation. Every operation is total: integers wrap, integer division by 0 gives the dividend and its remainder 0,
 * table indices clamp, `toI32` truncates and saturates. On floats `evaluate` says what `pow`, `mod`, `log` and `atan2` are
 * where JavaScript has no number, or adapters differ; what else leaves f32 is met by the score guard.
 */
export type Op =
  | LeafOp
  | UnaryOp
  | BinaryOp
  | 'select' // (condition, if true, if false)
  | 'read' // element of a table at (i32 …)
  | 'range' // least and largest element of a table for first ≤ index ≤ last along one axis, the last argument being `last`
  | 'low' // of a range
  | 'high';

export type LeafOp = 'const' | 'input' | 'param';

export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | FloatFunction
  | 'bitnot'
  | 'clz'
  | 'not'
  | 'toF32'
  | 'toI32';

/** f32 → f32, the same name in WGSL and in Math but for exp2. */
export type FloatFunction =
  | 'sqrt'
  | 'exp'
  | 'exp2'
  | 'log'
  | 'log2'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh';

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div' // f32
  | 'idiv' // i32, toward zero
  | 'floordiv' // i32, toward −∞
  | 'mod' // sign of the dividend
  | 'min'
  | 'max'
  | 'pow'
  | 'atan2'
  | 'bitand'
  | 'bitor'
  | 'bitxor'
  | 'shl' // shift counts are 0 … 31
  | 'shr'
  | 'ushr'
  | 'lt'
  | 'le'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or';

/** Which axis of a table a range runs along. */
export interface RangeOf {
  readonly slot: TableSlot;
  readonly axis: number;
}

/** A node of the expression graph. Nodes of one graph are equal exactly when they are the same object. */
export interface Node {
  readonly graph: Graph;
  /** Order of creation: arguments come before what uses them. */
  readonly id: number;
  readonly op: Op;
  readonly type: Type;
  readonly args: readonly Node[];
  /** The value of a 'const', the name of an 'input', the slot of a 'param' or 'read', the axis of a 'range'. */
  readonly data: number | boolean | Input | Slot | RangeOf | undefined;
}

/** The value of a constant; undefined for every other node. */
export function constantOf(node: Node): number | boolean | undefined {
  return node.op === 'const' ? (node.data as number | boolean) : undefined;
}

export function isConstant(node: Node, value: number | boolean): boolean {
  return node.op === 'const' && Object.is(node.data, value);
}
