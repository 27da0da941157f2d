import { inputsOf } from '../../ir/depends.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { elementType, type TableSlot } from '../../ir/slot.ts';
import {
  anyInt,
  type Bounds,
  floatWhere,
  type IntBounds,
  intWhere,
  isPoint,
  MAX,
  MIN,
} from './interval.ts';

/**
 * Bounds of a table's element. An index that is the same in the whole block is read; along one axis that varies with the
 * query or the key, the least and largest element are asked for. Heads vary only where a tile holds several of them, so
 * an index that depends on the head is read where it is one.
 */
export function tableBounds(graph: Graph, read: Node, indices: readonly IntBounds[]): Bounds {
  const slot = read.data as TableSlot;
  const varying = indices.flatMap(({ lo, hi }, axis) => (lo === hi ? [] : [axis]));
  const [axis, ...others] = varying.filter((i) => variesInTile(read.args[i]!));
  if (others.length > 0) return elementType(slot) === 'i32' ? { int: anyInt(graph) } : {};
  const points = varying.filter((i) => i !== axis).map((i) => isPoint(graph, indices[i]!));
  const sound = graph.and(...points);
  const first = indices.map(({ lo }) => lo);
  const element = graph.read(slot, first);
  const [lo, hi] =
    axis === undefined ? [element, element] : graph.range({ slot, axis }, first, indices[axis]!.hi);
  if (elementType(slot) === 'f32') return { float: floatWhere(graph, sound, lo, hi) };
  return { int: intWhere(graph, sound, { lo, hi, least: MIN, most: MAX }) };
}

function variesInTile(index: Node): boolean {
  const inputs = inputsOf(index);
  return inputs.has('q') || inputs.has('kv') || inputs.has('qRow') || inputs.has('kvRow');
}
