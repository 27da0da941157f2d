import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';

/** Integers from `lo` to `hi`. `least` and `most` hold for every block, so that most overflow tests fall away. */
export interface IntBounds {
  readonly lo: Node;
  readonly hi: Node;
  readonly least: number;
  readonly most: number;
}

/** Numbers from `lo` to `hi`, if `known` holds; it does not where an infinity or NaN could be among them. */
export interface FloatBounds {
  readonly lo: Node;
  readonly hi: Node;
  readonly known: Node;
}

/** Sound, not complete: both may be false. */
export interface BoolBounds {
  /** True only if the condition holds for every pair of the block. */
  readonly all: Node;
  /** True only if it holds for none. */
  readonly none: Node;
}

/** What is known of a node over a block: one of the three, by its type; without it, nothing. */
export interface Bounds {
  readonly int?: IntBounds;
  readonly float?: FloatBounds;
  readonly bool?: BoolBounds;
}

export const MIN: number = -(2 ** 31);
export const MAX: number = 2 ** 31 - 1;

/**
 * Batches, heads, positions and lengths are taken to be at most this in size, so that sums of a few of them need no
 * overflow test. Callers hold problems to it.
 */
export const MAX_POSITION: number = 2 ** 29;

export function anyInt(graph: Graph): IntBounds {
  return { lo: graph.i32(MIN), hi: graph.i32(MAX), least: MIN, most: MAX };
}

/** One integer, the same for the whole block. */
export function pointInt(node: Node, least: number = MIN, most: number = MAX): IntBounds {
  return { lo: node, hi: node, least, most };
}

/** The bounds where `sound` holds, else any integer. */
export function intWhere(graph: Graph, sound: Node, bounds: IntBounds): IntBounds {
  if (sound.data === true) return bounds;
  const any = anyInt(graph);
  const lo = graph.select(sound, bounds.lo, any.lo);
  return { ...any, lo, hi: graph.select(sound, bounds.hi, any.hi) };
}

/** True where the interval is one number. */
export function isPoint(graph: Graph, { lo, hi }: IntBounds): Node {
  return graph.op('eq', lo, hi);
}

/** True where no number of the interval is negative. */
export function isNatural(graph: Graph, { lo, least }: IntBounds): Node {
  return least >= 0 ? graph.bool(true) : graph.op('le', graph.i32(0), lo);
}

// Far enough from overflow that no sum or product of two bounds gets there unseen.
const LARGE = 1e37;

/** Bounds that are known only where they are of ordinary size: no infinity, and no NaN from one. */
export function floatWhere(graph: Graph, known: Node, lo: Node, hi: Node): FloatBounds {
  const size = graph.op('max', graph.op('abs', lo), graph.op('abs', hi));
  return { lo, hi, known: graph.and(known, graph.op('lt', size, graph.f32(LARGE))) };
}

// 8 to 16 ulp: more than WGSL allows any basic operation to be off, division included.
const RELATIVE = 2 ** -20;
const ABSOLUTE = 1e-37;

/** Makes room for rounding: of the GPU's operations, which need not be exact, and of the bounds' own. */
export function widened(graph: Graph, known: Node, lo: Node, hi: Node): FloatBounds {
  const margin = (x: Node): Node => {
    const relative = graph.op('mul', graph.op('abs', x), graph.f32(RELATIVE));
    return graph.op('add', relative, graph.f32(ABSOLUTE));
  };
  const from = graph.op('sub', lo, margin(lo));
  return floatWhere(graph, known, from, graph.op('add', hi, margin(hi)));
}

/** The least and the largest of some nodes. */
export function extremes(graph: Graph, nodes: readonly Node[]): readonly [lo: Node, hi: Node] {
  return [
    nodes.reduce((a, b) => graph.op('min', a, b)),
    nodes.reduce((a, b) => graph.op('max', a, b)),
  ];
}
