import { printGraph } from '../ir/print.ts';
import type { Slot } from '../ir/slot.ts';
import type { CompiledMod } from './compiled.ts';

/** What became of a mod: its kind and captures with their types, the graph, the WGSL. */
export function explainMod(mod: CompiledMod, wgsl: string): string {
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  const captures = slots.map((slot) => `  ${slot.name}: ${slotType(slot)}`);
  return [
    `${mod.kind} mod ${mod.hash}`,
    ...(captures.length > 0 ? ['', 'captures', ...captures] : []),
    '',
    'graph',
    printGraph(mod.root, ({ name }) => name).replaceAll(/^/gm, '  '),
    '',
    'wgsl',
    wgsl.replaceAll(/^(?=.)/gm, '  '),
  ].join('\n');
}

function slotType(slot: Slot): string {
  return slot.kind === 'scalar' ? slot.type : `${slot.dtype} table of rank ${slot.rank}`;
}
