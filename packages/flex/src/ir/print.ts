import type { Node } from './node.ts';
import { ordered } from './order.ts';
import type { Slot } from './slot.ts';

/** A slot by what it is: no name of the source enters. */
const slotText = (slot: Slot): string =>
  `${slot.kind}${slot.index}${slot.kind === 'table' ? slot.dtype : ''}`;

/** Text that is the same for the same leaf. */
export function dataText(data: Node['data'], nameOf: (slot: Slot) => string = slotText): string {
  if (typeof data !== 'object') return Object.is(data, -0) ? '-0' : String(data ?? '');
  return 'slot' in data ? `${nameOf(data.slot)}.${data.axis}` : nameOf(data);
}

/** The graph as text, one operation a line: `%4 f32 = add %0 %3`. */
export function printGraph(root: Node, nameOf?: (slot: Slot) => string): string {
  const nodes = ordered([root]);
  const numbers = new Map(nodes.map((node, i) => [node, `%${i}`]));
  return nodes
    .map((node) => {
      const { op, type, data, args } = node;
      const parts = [op, dataText(data, nameOf), ...args.map((arg) => numbers.get(arg))];
      return `${numbers.get(node)} ${type} = ${parts.filter((part) => part !== '').join(' ')}`;
    })
    .join('\n');
}
