import type { Graph, Input, Node } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import { comparisons, connectives } from './conditions.ts';
import {
  type Interval,
  isPoint,
  MAX,
  point,
  selectInterval,
  unknown,
  type Verdict,
  where,
} from './interval.ts';
import { type KeyRange, keyRange } from './key-range.ts';
import { rules } from './rules.ts';
import { tableBounds } from './table.ts';

/** What is known of a mask over a block, as nodes over the block's span. */
export interface MaskBounds extends Verdict {
  /** Keys that any query of the block may see. Holds for all keys of the sequence, not only the block's. */
  readonly keys: KeyRange;
}

/**
 * Interval bounds of a mask: when it holds for all pairs of a block, and when for none, as nodes over the block's span.
 * Sound for every operation of the IR; exact for linear conditions on the indices.
 */
export function boundsOf(graph: Graph, root: Node): MaskBounds {
  const bounds = new Bounds(graph);
  bounds.find(root);
  const keys = keyRange(root, (node) => bounds.interval(node));
  return { ...bounds.verdict(root), keys };
}

/** The bounds of the nodes of a graph, each found once. */
export class Bounds {
  readonly #graph: Graph;
  readonly #intervals = new Map<Node, Interval>();
  readonly #verdicts = new Map<Node, Verdict>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Of everything that a node depends on, arguments first: what asks for them then finds them. */
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
