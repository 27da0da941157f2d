import { CompileError } from '@heed/core';
import {
  elementType,
  type Graph,
  type Node,
  type Op,
  type TableSlot,
  type UnaryOp,
} from '../ir/expression-node.ts';
import { add, div, eq, le, lt, mul, neg, select, sqrt, sub } from '../ir/graph.ts';
import { ordered } from '../ir/traversal.ts';

/** One read of a float table: it adds dScore · `value` to the table's gradient at `indices`, after clamping. */
export interface TableDerivative {
  readonly slot: TableSlot;
  readonly indices: readonly Node[];
  readonly value: Node;
}

/** The derivatives of a score mod's result, as nodes of its own graph. */
export interface Derivative {
  /** With respect to the incoming score. */
  readonly score: Node;
  /** With respect to each element read; a table read at two places occurs twice. */
  readonly tables: readonly TableDerivative[];
}

/** The most operations in the derivatives of one mod, summed over the elements read. */
const MAX_OPERATIONS = 65_536;

/**
 * Differentiates a score mod in forward mode, once per leaf. The derivative of a branch that is not taken is then never
 * multiplied by 0 (0 · ∞ is not 0), and nodes shared by the passes exist once.
 * @throws CompileError the derivatives of all reads together are too long
 */
export function derive(graph: Graph, root: Node): Derivative {
  const nodes = ordered([root]);
  let left = MAX_OPERATIONS;
  const tables: TableDerivative[] = [];
  for (const [i, read] of nodes.entries()) {
    const slot = read.data as TableSlot;
    if (read.op !== 'read' || elementType(slot) !== 'f32') continue;
    const value = tangent(nodes, read, i);
    if (!value) continue;
    left -= ordered([value]).length;
    if (left < 0) throw tooLong(tables.length);
    tables.push({ slot, indices: read.args, value });
  }
  const score = graph.input('score');
  const ofScore = tangent(nodes, score, Math.max(nodes.indexOf(score), 0));
  return { score: ofScore ?? graph.f32(0), tables };
}

function tooLong(reads: number): CompileError {
  return new CompileError(
    `flex: the derivatives with respect to the first ${reads} table elements of the scoreMod have more than ${MAX_OPERATIONS} operations. Read fewer elements, or combine them in a table beforehand.`,
  );
}

/** Returns d(last node) / d(leaf), where `leaf` is the node at `index`; undefined if it is 0 everywhere. */
function tangent(nodes: readonly Node[], leaf: Node, index: number): Node | undefined {
  const tangents = new Map<Node, Node | undefined>([[leaf, leaf.graph.f32(1)]]);
  for (let i = index; i < nodes.length; i++) {
    const node = nodes[i]!;
    if (node === leaf || node.type !== 'f32') continue;
    const { op, args } = node;
    if (!args.some((arg) => tangents.has(arg))) continue;
    const ofArgs = args.map((arg) => tangents.get(arg));
    if (ofArgs.some(Boolean)) tangents.set(node, rules[op]?.(node, args, ofArgs));
  }
  return tangents.get(nodes.at(-1)!);
}

/** The derivative of an argument; undefined means 0 everywhere. */
type Tangent = Node | undefined;

/** Computes the derivative of a value from its arguments and their derivatives. */
type Rule = (value: Node, args: readonly Node[], tangents: readonly Tangent[]) => Tangent;

/** A partial derivative, as a function of the arguments and the value. */
type PartialDerivative = (a: Node, b: Node, y: Node) => Node | number;

const partials =
  (byA: PartialDerivative, byB: PartialDerivative = () => 0): Rule =>
  (y, [a, b], [da, db]) =>
    plus(da && mul(da, byA(a!, b!, y)), db && mul(db, byB(a!, b!, y)));

function plus(a: Tangent, b: Tangent): Tangent {
  return a && b ? add(a, b) : (a ?? b);
}

/** Picks the derivative of the first of the last two arguments where the condition holds, else the derivative of the second. */
const either =
  (condition: (a: Node, b: Node) => Node): Rule =>
  ({ graph }, [a, b], tangents) => {
    const [da, db] = tangents.slice(-2);
    const zero = graph.f32(0);
    return da || db ? select(condition(a!, b!), da ?? zero, db ?? zero) : undefined;
  };

const apply = (op: UnaryOp, x: Node): Node => x.graph.op(op, x);
const square = (x: Node): Node => mul(x, x);

/** The remainder by 0 is constant. */
const unlessZero = (divisor: Node, x: Node): Node => select(eq(divisor, 0), x.graph.f32(0), x);

/** x / (a² + b²), and 0 at the origin, where an angle has no derivative. */
function perSquare(x: Node, a: Node, b: Node): Node {
  const sum = add(square(a), square(b));
  return select(lt(0, sum), div(x, sum), x.graph.f32(0));
}

/** Derivatives of the f32 operations. An operation that is missing here is piecewise constant, so its derivative is 0. */
const rules: { readonly [O in Op]?: Rule } = {
  select: either((condition) => condition),
  // At a tie the derivative of the first argument counts.
  min: either((a, b) => le(a, b)),
  max: either((a, b) => le(b, a)),
  neg: partials(() => -1),
  add: partials(
    () => 1,
    () => 1,
  ),
  sub: partials(
    () => 1,
    () => -1,
  ),
  mul: partials(
    (_, b) => b,
    (a) => a,
  ),
  div: (y, [, b], [da, db]) => {
    const top = plus(da, db && neg(mul(y, db)));
    return top && div(top, b!);
  },
  mod: partials(
    (_, b) => unlessZero(b, b.graph.f32(1)),
    // The whole quotient is computed from the exact remainder, since a / b may be rounded up to the next integer.
    (a, b, y) => unlessZero(b, neg(apply('floor', add(div(sub(a, y), b), 0.5)))),
  ),
  pow: partials(
    (a, b) => mul(b, a.graph.op('pow', a, sub(b, 1))),
    // A power of 0 does not change for nearby exponents.
    (a, _, y) => select(lt(0, a), mul(y, apply('log', a)), a.graph.f32(0)),
  ),
  atan2: partials(
    (a, b) => perSquare(b, a, b),
    (a, b) => perSquare(neg(a), a, b),
  ),
  abs: partials((x) => apply('sign', x)),
  sqrt: partials((_, __, y) => div(0.5, y)),
  exp: partials((_, __, y) => y),
  exp2: partials((_, __, y) => mul(y, Math.LN2)),
  log: partials((x) => div(1, x)),
  log2: partials((x) => div(Math.LOG2E, x)),
  sin: partials((x) => apply('cos', x)),
  cos: partials((x) => neg(apply('sin', x))),
  tan: partials((_, __, y) => add(square(y), 1)),
  asin: partials((x) => div(1, sqrt(sub(1, square(x))))),
  acos: partials((x) => div(-1, sqrt(sub(1, square(x))))),
  atan: partials((x) => div(1, add(square(x), 1))),
  sinh: partials((x) => apply('cosh', x)),
  cosh: partials((x) => apply('sinh', x)),
  tanh: partials((_, __, y) => sub(1, square(y))),
  asinh: partials((x) => div(1, sqrt(add(square(x), 1)))),
  acosh: partials((x) => div(1, sqrt(sub(square(x), 1)))),
  atanh: partials((x) => div(1, sub(1, square(x)))),
};
