import type { Node } from '../ir/node.ts';
import { ordered } from '../ir/order.ts';
import type { Slot } from '../ir/slot.ts';
import type { CompiledMod } from './compiled.ts';

/** The graph as text, one operation a line: `%4 f32 = add %0 %3`. */
export function printGraph(roots: readonly Node[]): string {
  const nodes = ordered(roots);
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  return nodes
    .map((node, i) => {
      const args = node.args.map((arg) => `%${numbers.get(arg)}`);
      const parts = [node.op, ...leaf(node), ...args];
      return `%${i} ${node.type} = ${parts.join(' ')}`;
    })
    .join('\n');
}

function leaf({ data }: Node): string[] {
  if (data === undefined) return [];
  if (typeof data !== 'object') return [String(data)];
  return 'slot' in data ? [`${data.slot.name}, axis ${data.axis}`] : [data.name];
}

/** What became of a mod: its kind and captures with their types, the graph, the WGSL. */
export function explainMod(mod: CompiledMod, wgsl: string): string {
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  const captures = slots.map((slot) => `  ${slot.name}: ${slotType(slot)}`);
  return [
    `${mod.kind} mod ${mod.hash}`,
    ...(captures.length > 0 ? ['', 'captures', ...captures] : []),
    '',
    'graph',
    printGraph([mod.root]).replaceAll(/^/gm, '  '),
    '',
    'wgsl',
    wgsl.replaceAll(/^(?=.)/gm, '  '),
  ].join('\n');
}

function slotType(slot: Slot): string {
  return slot.kind === 'scalar' ? slot.type : `${slot.dtype} table of rank ${slot.rank}`;
}
