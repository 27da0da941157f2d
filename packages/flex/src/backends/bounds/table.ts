import { inputsOf } from '../../ir/depends.ts';
import type { Node } from '../../ir/node.ts';
import type { TableSlot } from '../../ir/slot.ts';
import { type Interval, isPoint, ordinary, point, unknown, where } from './interval.ts';

/**
 * Bounds of a table's element. An index that is the same in the whole block is read; along one axis that varies with the
 * query or the key, the least and largest element are asked for. Heads vary only where a tile holds several of them, so
 * an index that depends on the head is read where it is one.
 */
export function tableBounds(read: Node, indices: readonly Interval[]): Interval {
  const { args, data, graph } = read;
  const slot = data as TableSlot;
  const varying = indices.flatMap(({ lo, hi }, axis) => (lo === hi ? [] : [axis]));
  const [axis, ...others] = varying.filter((i) => variesInTile(args[i]!));
  if (others.length > 0) return unknown(read);
  const points = varying.filter((i) => i !== axis).map((i) => isPoint(indices[i]!));
  const first = indices.map(({ lo }) => lo);
  const element = point(graph.read(slot, first));
  const conditions = [...indices.map(({ known }) => known), ...points];
  if (axis === undefined) return where(element, ...conditions);
  const [lo, hi] = graph.range({ slot, axis }, first, indices[axis]!.hi);
  return where(ordinary({ lo, hi, known: graph.bool(true) }), ...conditions);
}

function variesInTile(index: Node): boolean {
  const inputs = inputsOf(index);
  return inputs.has('q') || inputs.has('kv') || inputs.has('qRow') || inputs.has('kvRow');
}
