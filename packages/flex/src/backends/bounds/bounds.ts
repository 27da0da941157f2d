import type { Graph } from '../../ir/graph.ts';
import type { BinaryOp, ModInput, Node } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import { boolRules, comparisons, compareFloats, selectBool } from './bool.ts';
import { floatRules } from './float.ts';
import { intRules } from './int.ts';
import {
  anyInt,
  type BoolBounds,
  type Bounds,
  floatWhere,
  type IntBounds,
  intWhere,
  isPoint,
  MAX,
  MAX_POSITION,
  pointInt,
  widened,
} from './interval.ts';
import { type KeyRange, keyRange } from './key-range.ts';
import { tableBounds } from './table.ts';

/** What is known of a mask over a block, as nodes over the block's span. */
export interface MaskBounds extends BoolBounds {
  /** Keys that any query of the block may see. Holds for all keys of the sequence, not only the block's. */
  readonly keys: KeyRange;
}

/**
 * Interval bounds of a mask: when it holds for all pairs of a block, and when for none, as nodes over the block's span.
 * Sound for every operation of the IR; exact for linear conditions on the indices.
 */
export function boundsOf(graph: Graph, root: Node): MaskBounds {
  const known = new Map<Node, Bounds>();
  for (const node of ordered([root])) {
    const args = node.args.map((arg) => known.get(arg)!);
    known.set(node, nodeBounds(graph, node, args));
  }
  const keys = keyRange(graph, root, (node) => known.get(node)!.int!);
  return { ...known.get(root)!.bool!, keys };
}

const nothing = (graph: Graph): BoolBounds => ({ all: graph.bool(false), none: graph.bool(false) });

function nodeBounds(graph: Graph, node: Node, args: readonly Bounds[]): Bounds {
  switch (node.op) {
    case 'const':
    case 'param':
      return pointBounds(graph, node);
    case 'input':
      return { int: inputBounds(graph, node.data as ModInput) };
    case 'read':
      return tableBounds(
        graph,
        node,
        args.map(({ int }) => int!),
      );
    case 'select':
      return selectBounds(graph, node, args);
    default:
      return operationBounds(graph, node, args);
  }
}

function pointBounds(graph: Graph, node: Node): Bounds {
  if (node.type === 'bool') return { bool: { all: node, none: graph.not(node) } };
  if (node.type === 'f32') return { float: floatWhere(graph, graph.bool(true), node, node) };
  const value = node.op === 'const' ? (node.data as number) : undefined;
  return { int: pointInt(node, value, value) };
}

function inputBounds(graph: Graph, input: ModInput): IntBounds {
  const span = (first: Node, last: Node, least: number): IntBounds => {
    return { lo: first, hi: last, least, most: MAX_POSITION };
  };
  switch (input) {
    case 'h':
      return span(graph.input('hFirst'), graph.input('hLast'), 0);
    case 'q':
      return span(graph.input('qFirst'), graph.input('qLast'), -MAX_POSITION);
    case 'kv':
      return span(graph.input('kvFirst'), graph.input('kvLast'), 0);
    case 'qRow':
    case 'kvRow':
      return { lo: graph.i32(0), hi: graph.i32(MAX), least: 0, most: MAX };
    default:
      return pointInt(graph.input(input), 0, MAX_POSITION);
  }
}

function operationBounds(graph: Graph, node: Node, args: readonly Bounds[]): Bounds {
  const op = node.op as BinaryOp;
  const [a, b] = args as [Bounds, Bounds];
  if (node.type === 'i32') return { int: intOperation(graph, node, args) };
  if (op === ('toF32' as string)) {
    const { lo, hi } = a.int!;
    const ends = [lo, hi].map((end) => graph.op('toF32', end)) as [Node, Node];
    return { float: widened(graph, graph.bool(true), ...ends) };
  }
  if (node.type === 'f32') {
    const rule = floatRules[op];
    const isKnown = rule && args.every(({ float }) => float);
    return isKnown ? { float: rule(graph, a.float!, b?.float as never) } : {};
  }
  return { bool: condition(graph, op, a, b) };
}

function condition(graph: Graph, op: BinaryOp, a: Bounds, b: Bounds): BoolBounds {
  const compare = comparisons[op];
  if (compare && a.int && b.int) return compare(graph, a.int, b.int);
  if (compare && a.float && b.float) return compareFloats(graph, compare, a.float, b.float);
  const rule = a.bool && boolRules[op];
  return rule ? rule(graph, a.bool, b?.bool as never) : nothing(graph);
}

function intOperation(graph: Graph, node: Node, args: readonly Bounds[]): IntBounds {
  const [a, b] = args as [Bounds, Bounds];
  if (node.op === 'toI32') {
    if (!a.float) return anyInt(graph);
    const ends = [a.float.lo, a.float.hi].map((end) => graph.op('toI32', end));
    return intWhere(graph, a.float.known, { ...anyInt(graph), lo: ends[0]!, hi: ends[1]! });
  }
  const op = node.op as BinaryOp;
  const value = graph.op(op, a.int!.lo, b?.int?.lo);
  const bounds = intRules[op]?.(graph, a.int!, b?.int as never);
  const isPlain = args.every(({ int }) => int!.lo === int!.hi);
  if (isPlain) return pointInt(value, bounds?.least, bounds?.most);
  if (bounds) return bounds;
  const points = args.map(({ int }) => isPoint(graph, int!));
  return intWhere(graph, graph.and(...points), pointInt(value));
}

function selectBounds(graph: Graph, node: Node, [c, a, b]: readonly Bounds[]): Bounds {
  const when = c!.bool!;
  if (node.type === 'bool') return { bool: selectBool(graph, when, a!.bool!, b!.bool!) };
  const pick = (end: 'lo' | 'hi', x: Node, y: Node): Node => {
    const either = graph.op(end === 'lo' ? 'min' : 'max', x, y);
    return graph.select(when.all, x, graph.select(when.none, y, either));
  };
  if (node.type === 'i32') {
    const [x, y] = [a!.int!, b!.int!];
    const least = Math.min(x.least, y.least);
    const most = Math.max(x.most, y.most);
    return { int: { lo: pick('lo', x.lo, y.lo), hi: pick('hi', x.hi, y.hi), least, most } };
  }
  const [x, y] = [a!.float, b!.float];
  if (!x || !y) return {};
  const known = graph.and(x.known, y.known);
  return { float: { lo: pick('lo', x.lo, y.lo), hi: pick('hi', x.hi, y.hi), known } };
}
