import type { Graph, Input, Node, Op, TableSlot } from '../../ir/expression-node.ts';
import { and, eq, le, lt, or } from '../../ir/graph.ts';
import { inputsOf, ordered } from '../../ir/traversal.ts';
import { rules } from './interval-rules.ts';
import {
  type Interval,
  isPoint,
  MAX,
  ordinary,
  point,
  selectInterval,
  unknown,
  type Verdict,
  where,
} from './interval.ts';
import { type KeyRange, keyRange } from './key-range.ts';

/** The bounds of a mask over a block, as nodes over the block's span. */
export interface MaskBounds extends Verdict {
  /** The range of keys of the sequence, not only of the block, that any query of the block may see. */
  readonly keys: KeyRange;
}

/**
 * Computes interval bounds of a mask: whether it holds for all pairs of a block, and whether for none, as nodes over the
 * block's span. They are sound for every operation of the IR and exact for linear conditions on the indices.
 */
export function boundsOf(graph: Graph, root: Node): MaskBounds {
  const bounds = new Bounds(graph);
  bounds.find(root);
  const keys = keyRange(
    root,
    (node) => bounds.interval(node),
    (node) => bounds.verdict(node),
  );
  return { ...bounds.verdict(root), keys };
}

/** The interval bounds of the nodes of a graph, each computed once. */
export class Bounds {
  readonly #graph: Graph;
  readonly #intervals = new Map<Node, Interval>();
  readonly #verdicts = new Map<Node, Verdict>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Computes the bounds of everything that a node depends on, arguments first, so that no later lookup recurses. */
  find(root: Node): void {
    for (const node of ordered([root])) {
      if (node.type === 'bool') this.verdict(node);
      else this.interval(node);
    }
  }

  interval(node: Node): Interval {
    const known = this.#intervals.get(node) ?? this.#findInterval(node);
    this.#intervals.set(node, known);
    return known;
  }

  verdict(node: Node): Verdict {
    const known = this.#verdicts.get(node) ?? this.#findVerdict(node);
    this.#verdicts.set(node, known);
    return known;
  }

  #findInterval(node: Node): Interval {
    const { op, args } = node;
    switch (op) {
      case 'const':
      case 'param':
        return point(node);
      case 'input':
        return this.#inputInterval(node.data as Input);
      case 'select': {
        const [condition, a, b] = args as [Node, Node, Node];
        return selectInterval(this.verdict(condition), this.interval(a), this.interval(b));
      }
      default:
        return this.#operation(
          node,
          args.map((arg) => this.interval(arg)),
        );
    }
  }

  #inputInterval(input: Input): Interval {
    const graph = this.#graph;
    const known = graph.bool(true);
    switch (input) {
      case 'h':
      case 'q':
      case 'kv':
        return { lo: graph.input(`${input}First`), hi: graph.input(`${input}Last`), known };
      case 'qRow':
      case 'kvRow':
        return { lo: graph.i32(0), hi: graph.i32(MAX), known };
      default:
        return point(graph.input(input));
    }
  }

  #operation(node: Node, args: readonly Interval[]): Interval {
    const { op, type } = node;
    if (op === 'read') return tableBounds(node, args);
    const [a, b] = args as [Interval, Interval];
    const rule = rules[op];
    if (type === 'f32') return rule && op !== 'mod' ? rule(a, b) : unknown(node);
    const value = this.#graph.op(op as 'add', a.lo, b?.lo);
    const points = where(point(value), ...args.map(({ known }) => known));
    if (args.every(({ lo, hi }) => lo === hi) && op !== 'toI32') return points;
    return rule ? rule(a, b) : where(points, ...args.map(isPoint));
  }

  #findVerdict(node: Node): Verdict {
    const { op, args } = node;
    if (args.length === 0) return { all: node, none: this.#graph.not(node) };
    if (args[1]?.type === 'bool' || op === 'not') {
      const [a, b, c] = args.map((arg) => this.verdict(arg)) as [Verdict, Verdict, Verdict];
      return connectives[op]!(a, b, c);
    }
    const [a, b] = args.map((arg) => this.interval(arg)) as [Interval, Interval];
    return comparisons[op]!(a, b);
  }
}

const swap = ({ all, none }: Verdict): Verdict => ({ all: none, none: all });

type Comparison = (a: Interval, b: Interval) => Verdict;

/** The result of a comparison is known only where both operands are. */
const compare =
  (comparison: Comparison): Comparison =>
  (a, b) => {
    const known = and(a.known, b.known);
    const { all, none } = comparison(a, b);
    return { all: and(known, all), none: and(known, none) };
  };

const equal = compare((a, b) => ({
  all: and(and(isPoint(a), isPoint(b)), eq(a.lo, b.lo)),
  none: or(lt(a.hi, b.lo), lt(b.hi, a.lo)),
}));

/** Comparisons of numbers, from the bounds of both operands. */
const comparisons: { readonly [O in Op]?: Comparison } = {
  lt: compare((a, b) => ({ all: lt(a.hi, b.lo), none: le(b.hi, a.lo) })),
  le: compare((a, b) => ({ all: le(a.hi, b.lo), none: lt(b.hi, a.lo) })),
  eq: equal,
  ne: (a, b) => swap(equal(a, b)),
};

/** `a` where the condition holds, else `b`. */
function selectVerdict(condition: Verdict, a: Verdict, b: Verdict): Verdict {
  const pick = (side: 'all' | 'none'): Verdict['all'] =>
    or(or(and(condition.all, a[side]), and(condition.none, b[side])), and(a[side], b[side]));
  return { all: pick('all'), none: pick('none') };
}

type Connective = (a: Verdict, b: Verdict, c: Verdict) => Verdict;

/** Operations on conditions. */
const connectives: { readonly [O in Op]?: Connective } = {
  not: swap,
  and: (a, b) => ({ all: and(a.all, b.all), none: or(a.none, b.none) }),
  or: (a, b) => ({ all: or(a.all, b.all), none: and(a.none, b.none) }),
  select: selectVerdict,
  // a === b is a ? b : !b.
  eq: (a, b) => selectVerdict(a, b, swap(b)),
  ne: (a, b) => selectVerdict(a, swap(b), b),
};

/**
 * Bounds of a table's element. At indices that are the same in the whole block the element itself is read; that covers tables
 * of blocks, like `table[Math.floor(q / 128)][Math.floor(kv / 128)]`. Along one axis that varies with the query or the key, the
 * least and the largest element are used. Heads vary only where a tile holds several of them: an index that depends on the head
 * is read where the block has one head.
 */
function tableBounds(read: Node, indices: readonly Interval[]): Interval {
  const { args, data, graph } = read;
  const slot = data as TableSlot;
  const varying = indices.flatMap(({ lo, hi }, axis) => (lo === hi ? [] : [axis]));
  const [axis, ...others] = varying.filter((i) => variesInTile(args[i]!));
  const pointsOf = (axes: readonly number[]): Node[] => axes.map((i) => isPoint(indices[i]!));
  const known = indices.map((index) => index.known);
  const first = indices.map(({ lo }) => lo);
  const element = where(point(graph.read(slot, first)), ...known, ...pointsOf(varying));
  if (axis === undefined || others.length > 0) return element;
  const [lo, hi] = graph.range({ slot, axis }, first, indices[axis]!.hi);
  return where(
    ordinary({ lo, hi, known: graph.bool(true) }),
    ...known,
    ...pointsOf(varying.filter((i) => i !== axis)),
  );
}

function variesInTile(index: Node): boolean {
  const inputs = inputsOf(index);
  return inputs.has('q') || inputs.has('kv') || inputs.has('qRow') || inputs.has('kvRow');
}
