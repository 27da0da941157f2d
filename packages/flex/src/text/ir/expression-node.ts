import type { DType } from '@heed/core';

export type Type = 'i32' | 'f32' | 'bool';

/** The inputs of a mod for one pair. Indices count from 0; `q` is the logical position, which may be negative. */
export type ModInput = 'score' | 'b' | 'h' | 'q' | 'kv' | 'qLen' | 'kvLen' | 'qRow' | 'kvRow';

/** The inputs of the bounds for one block of pairs; all are inclusive. `b` and `kvLen` are inputs of {@link ModInput}. */
type SpanInput = 'hFirst' | 'hLast' | 'qFirst' | 'qLast' | 'kvFirst' | 'kvLast';

/** The input of the part of a mod that depends on q − kv only: `offset` is q − kv. */
type DiagonalInput = 'offset';

export type Input = ModInput | SpanInput | DiagonalInput;

/**
 * One operation. Every operation is total: integers wrap, integer division by 0 gives the dividend and its remainder 0, table
 * indices clamp, `toI32` truncates and saturates. On floats `evaluate` defines `pow`, `mod`, `log` and `atan2` where JavaScript
 * gives no number or adapters differ. The score guard handles all other results outside the finite f32.
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

/** The table of a range, and the axis along which it runs. */
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

/**
 * Makes nodes: equal ones once (hash-consing), folded and simplified where that changes no result. Arguments must have the
 * types that an operation takes; the front end ensures that.
 */
export interface Graph {
  const(type: Type, value: number | boolean): Node;
  /** A constant, rounded as the GPU holds it. */
  number(type: Type, value: number): Node;
  i32(value: number): Node;
  f32(value: number): Node;
  bool(value: boolean): Node;
  input(input: Input): Node;
  param(slot: ScalarSlot): Node;
  read(slot: TableSlot, indices: readonly Node[]): Node;
  /** The least and the largest element of a table from `indices` to `last` along the axis of the range. */
  range(of: RangeOf, indices: readonly Node[], last: Node): readonly [low: Node, high: Node];
  op(op: UnaryOp | BinaryOp, ...args: readonly [Node, Node?]): Node;
  not(a: Node): Node;
  and(...all: readonly Node[]): Node;
  or(...all: readonly Node[]): Node;
  /** `a` where the condition holds, else `b`; both of one type. */
  select(condition: Node, a: Node, b: Node): Node;
  /** A copy of another graph's node, over arguments of this graph; it is neither folded nor simplified. */
  adopt(node: Pick<Node, 'op' | 'type'>, args: readonly Node[], data: Node['data']): Node;
}

/** The value of a constant; undefined for every other node. */
export function constantOf(node: Node): number | boolean | undefined {
  return node.op === 'const' ? (node.data as number | boolean) : undefined;
}

export function isConstant(node: Node, value: number | boolean): boolean {
  return node.op === 'const' && Object.is(node.data, value);
}

/** A captured number or boolean: a field of the uniform block. */
export interface ScalarSlot {
  readonly kind: 'scalar';
  /** Its index among the scalars that the compiled function uses, in order of first use. */
  readonly index: number;
  /** Its index among the scalars of a call's captures. */
  readonly capture: number;
  readonly name: string;
  readonly type: 'i32' | 'f32' | 'bool';
}

/** A captured tensor; elements of u32 tensors read as i32. */
export interface TableSlot {
  readonly kind: 'table';
  /** As in {@link ScalarSlot}, among the distinct tensors. */
  readonly index: number;
  readonly capture: number;
  readonly name: string;
  readonly dtype: DType;
  readonly rank: number;
}

export type Slot = ScalarSlot | TableSlot;

/** Returns the type of the table's elements inside a mod. */
export function elementType({ dtype }: TableSlot): 'i32' | 'f32' {
  return dtype === 'i32' || dtype === 'u32' ? 'i32' : 'f32';
}
