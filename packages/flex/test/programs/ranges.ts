import { modStep, type NestedArray, readTable, type Step } from '../../src/text/backends/twin.ts';
import type { Node, RangeOf } from '../../src/text/ir/expression-node.ts';

/** How the nodes of bounds are run on the CPU: those of mods, and the least and largest elements of tables. */
export function boundsStep(node: Node): Step {
  switch (node.op) {
    case 'range':
      return rangeStep(node.data as RangeOf) as never;
    case 'low':
      return ([range]) => (range as never as Range)[0];
    case 'high':
      return ([range]) => (range as never as Range)[1];
    default:
      return modStep(node);
  }
}

type Range = readonly [low: number, high: number];

/** The least and largest element for first ≤ index ≤ last along an axis. */
function rangeStep({ slot, axis }: RangeOf) {
  return (args: readonly number[], { tables }: Parameters<Step>[1]): Range => {
    const table = tables[slot.index]!;
    const first = args.slice(0, -1);
    const size = sizeAlong(table, axis);
    const clamp = (index: number): number => Math.min(Math.max(index, 0), size - 1);
    let [low, high] = [Infinity, -Infinity];
    for (let index = clamp(first[axis]!); index <= clamp(args.at(-1)!); index++) {
      const value = readTable(slot, table, first.with(axis, index));
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return [low, high];
  };
}

function sizeAlong(table: NestedArray | number, axis: number): number {
  let at = table;
  for (let i = 0; i < axis && typeof at === 'object'; i++) at = at[0]!;
  return typeof at === 'object' ? at.length : 1;
}
