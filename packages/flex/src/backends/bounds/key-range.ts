import { inputsOf } from '../../ir/depends.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { type IntBounds, MAX, MAX_POSITION } from './interval.ts';

/** Keys from `first` to before `end`; what is absent is unbounded. */
export interface KeyRange {
  readonly first?: Node;
  readonly end?: Node;
}

/** Finds the bounds of a node that does not depend on the key. */
type BoundsOf = (node: Node) => IntBounds;

/**
 * The keys that a mask can show to the queries of a block, from the conditions on `kv` that are linear, like
 * `q - kv < window`: what bounds the loop over key tiles. Sound, as the classes of blocks are.
 */
export function keyRange(graph: Graph, root: Node, boundsOf: BoundsOf): KeyRange {
  const ranges = (): KeyRange[] => root.args.map((arg) => keyRange(graph, arg, boundsOf));
  switch (root.op) {
    case 'and':
      return combine(graph, ranges(), 'max', 'min', false);
    case 'or':
      return combine(graph, ranges(), 'min', 'max', true);
    case 'lt':
    case 'le':
      return root.args[0]!.type === 'i32' ? comparisonRange(graph, root, boundsOf) : {};
    case 'eq': {
      const [a, b] = root.args as [Node, Node];
      if (a.type !== 'i32') return {};
      const sides = [graph.op('le', a, b), graph.op('le', b, a)];
      const both = sides.map((side) => keyRange(graph, side, boundsOf));
      return combine(graph, both, 'max', 'min', false);
    }
    default:
      return {};
  }
}

/** One range of two: of a union, an end is bounded only where both are. */
function combine(
  graph: Graph,
  [a, b]: readonly KeyRange[],
  firsts: 'min' | 'max',
  ends: 'min' | 'max',
  needsBoth: boolean,
): KeyRange {
  const join = (op: 'min' | 'max', x?: Node, y?: Node): Node | undefined =>
    x && y ? graph.op(op, x, y) : needsBoth ? undefined : (x ?? y);
  return rangeOf(join(firsts, a!.first, b!.first), join(ends, a!.end, b!.end));
}

const rangeOf = (first?: Node, end?: Node): KeyRange => ({
  ...(first && { first }),
  ...(end && { end }),
});

/** factor · kv + the sum of `terms`, each with its sign. */
interface Linear {
  readonly factor: number;
  readonly terms: readonly (readonly [sign: 1 | -1, bounds: IntBounds])[];
  /** How many values the source adds up, kv included. */
  readonly count: number;
}

/** How many values of at most {@link MAX_POSITION} can be added without overflow. */
const MAX_COUNT = 3;

function comparisonRange(graph: Graph, root: Node, boundsOf: BoundsOf): KeyRange {
  const [a, b] = root.args as [Node, Node];
  const right = linear(b, boundsOf);
  const left = linear(a.op === 'abs' ? a.args[0]! : a, boundsOf);
  if (!left || !right) return {};
  const range = linearRange(graph, root.op, left, right);
  if (a.op !== 'abs') return range;
  // |x| < w says x < w and −x < w.
  const mirrored = linearRange(graph, root.op, negative(left), right);
  return combine(graph, [range, mirrored], 'max', 'min', false);
}

/** What `a < b` or `a <= b` says of kv. */
function linearRange(graph: Graph, op: string, a: Linear, b: Linear): KeyRange {
  const factor = a.factor - b.factor;
  const terms = [...b.terms, ...negated(a.terms)];
  const counts = [a.count, b.count, terms.length];
  if (Math.abs(factor) !== 1 || Math.max(...counts) > MAX_COUNT) return {};
  const small = graph.and(...terms.map(([, bounds]) => isSmall(graph, bounds)));
  if (factor === 1) {
    const most = sum(graph, terms, 'hi');
    const end = op === 'le' ? graph.op('add', most, graph.i32(1)) : most;
    return { end: graph.select(small, end, graph.i32(MAX)) };
  }
  const least = sum(graph, negated(terms), 'lo');
  const first = op === 'lt' ? graph.op('add', least, graph.i32(1)) : least;
  return { first: graph.select(small, first, graph.i32(0)) };
}

function linear(node: Node, boundsOf: BoundsOf): Linear | undefined {
  if (node.op === 'input' && node.data === 'kv') return { factor: 1, terms: [], count: 1 };
  const inputs = inputsOf(node);
  if (!inputs.has('kv') && !inputs.has('kvRow')) {
    return { factor: 0, terms: [[1, boundsOf(node)]], count: 1 };
  }
  if (!['neg', 'add', 'sub'].includes(node.op)) return undefined;
  const [a, b] = node.args.map((arg) => linear(arg, boundsOf));
  if (!a || (node.args.length > 1 && !b)) return undefined;
  if (!b) return negative(a);
  const other = node.op === 'sub' ? negative(b) : b;
  return {
    factor: a.factor + other.factor,
    terms: [...a.terms, ...other.terms],
    count: a.count + b.count,
  };
}

const negative = ({ factor, terms, count }: Linear): Linear => ({
  factor: -factor,
  terms: negated(terms),
  count,
});

const negated = (terms: Linear['terms']): Linear['terms'] =>
  terms.map(([sign, bounds]) => [sign === 1 ? -1 : 1, bounds]);

/** The least or largest value of the sum. */
function sum(graph: Graph, terms: Linear['terms'], end: 'lo' | 'hi'): Node {
  const other = end === 'lo' ? 'hi' : 'lo';
  return terms.reduce<Node>(
    (total, [sign, bounds]) =>
      graph.op(sign === 1 ? 'add' : 'sub', total, bounds[sign === 1 ? end : other]),
    graph.i32(0),
  );
}

/** True where the mask's own sums of such terms did not wrap. */
function isSmall(graph: Graph, { lo, hi, least, most }: IntBounds): Node {
  const fits = (node: Node, isFixed: boolean): Node =>
    isFixed
      ? graph.bool(true)
      : graph.and(
          graph.op('lt', graph.i32(-MAX_POSITION - 1), node),
          graph.op('lt', node, graph.i32(MAX_POSITION + 1)),
        );
  const isFixed = least >= -MAX_POSITION && most <= MAX_POSITION;
  return graph.and(fits(lo, isFixed), fits(hi, isFixed));
}
