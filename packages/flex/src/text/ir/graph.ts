import {
  type BinaryOp,
  elementType,
  type Graph,
  type Input,
  type Node,
  type Op,
  type RangeOf,
  type ScalarSlot,
  type TableSlot,
  type Type,
  type UnaryOp,
} from './expression-node.ts';
import { dataText } from './print-graph.ts';
import { chosenConstants, joinSelects, oppositeOf, simplify } from './simplify.ts';

const boolean: ReadonlySet<Op> = new Set(['lt', 'le', 'eq', 'ne', 'and', 'or', 'not']);
const commutative: ReadonlySet<Op> = new Set<Op>([
  ...(['add', 'mul', 'min', 'max', 'eq', 'ne', 'and', 'or'] as const),
  ...(['bitand', 'bitor', 'bitxor'] as const),
]);

/** Returns the type of a result from the operation and its first argument. */
function resultType(op: UnaryOp | BinaryOp, { type }: Node): Type {
  if (boolean.has(op)) return 'bool';
  if (op === 'toF32') return 'f32';
  return op === 'toI32' ? 'i32' : type;
}

const inputType = (input: Input): Type => (input === 'score' ? 'f32' : 'i32');

function nodeKey(op: Op, type: Type, args: readonly Node[], data?: Node['data']): string {
  return `${op} ${type} ${args.map((arg) => arg.id).join()} ${dataText(data)}`;
}

/** Returns an empty graph. */
export function createGraph(): Graph {
  return new HashConsedGraph();
}

class HashConsedGraph implements Graph {
  readonly #nodes = new Map<string, Node>();

  const(type: Type, value: number | boolean): Node {
    return this.#intern('const', type, [], value);
  }

  number(type: Type, value: number): Node {
    return this.const(type, type === 'f32' ? Math.fround(value) : value);
  }

  i32(value: number): Node {
    return this.const('i32', value);
  }

  f32(value: number): Node {
    return this.number('f32', value);
  }

  bool(value: boolean): Node {
    return this.const('bool', value);
  }

  input(input: Input): Node {
    return this.#intern('input', inputType(input), [], input);
  }

  param(slot: ScalarSlot): Node {
    return this.#intern('param', slot.type, [], slot);
  }

  read(slot: TableSlot, indices: readonly Node[]): Node {
    return this.#intern('read', elementType(slot), indices, slot);
  }

  range(of: RangeOf, indices: readonly Node[], last: Node): readonly [low: Node, high: Node] {
    const type = elementType(of.slot);
    const range = this.#intern('range', type, [...indices, last], of);
    return [this.#intern('low', type, [range]), this.#intern('high', type, [range])];
  }

  op(op: UnaryOp | BinaryOp, ...args: readonly [Node, Node?]): Node {
    let [a, b] = args;
    const commutes = b !== undefined && commutative.has(op);
    // Constants go to the right. Otherwise the order of the source stays, unless the swapped node exists already.
    if (commutes && a.op === 'const') [a, b] = [b!, a];
    const type = resultType(op, a);
    const simple = simplify(this, op, type, a, b) ?? chosenConstants(this, op, a, b);
    if (simple) return simple;
    if (commutes && this.#nodes.has(nodeKey(op, type, [b!, a]))) [a, b] = [b!, a];
    return this.#intern(op, type, b ? [a, b] : [a]);
  }

  not(a: Node): Node {
    return this.op('not', a);
  }

  and(...all: readonly Node[]): Node {
    return all.reduce((a, b) => this.op('and', a, b), this.bool(true));
  }

  or(...all: readonly Node[]): Node {
    return all.reduce((a, b) => this.op('or', a, b), this.bool(false));
  }

  select(condition: Node, a: Node, b: Node): Node {
    if (a === b || condition.data === true) return a;
    if (condition.data === false) return b;
    if (condition.op === 'not') return this.select(condition.args[0]!, b, a);
    if (a.type === 'bool') {
      if (a.data === true || a === condition) return this.or(condition, b);
      if (b.data === false || b === condition) return this.and(condition, a);
      if (a.data === false) return this.and(this.not(condition), b);
      if (b.data === true) return this.or(this.not(condition), a);
    }
    const opposite = oppositeOf(this, condition);
    if (opposite) return this.select(opposite, b, a);
    const joined = joinSelects(this, condition, a, b);
    if (joined) return joined;
    return this.#intern('select', a.type, [condition, a, b]);
  }

  adopt({ op, type }: Pick<Node, 'op' | 'type'>, args: readonly Node[], data: Node['data']): Node {
    return this.#intern(op, type, args, data);
  }

  #intern(op: Op, type: Type, args: readonly Node[], data?: Node['data']): Node {
    const key = nodeKey(op, type, args, data);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node: Node = { graph: this, id: this.#nodes.size, op, type, args, data };
    this.#nodes.set(key, node);
    return node;
  }
}

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

// The operations of the IR as functions, for the back ends, which build graphs.
export const neg: (a: Node) => Node = unary('neg');
export const abs: (a: Node) => Node = unary('abs');
export const sqrt: (a: Node) => Node = unary('sqrt');
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
