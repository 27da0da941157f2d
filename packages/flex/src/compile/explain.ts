import type { CompiledMaskHook, CompiledScoreHook } from '../backends/wgsl/hooks.ts';
import { printGraph } from '../ir/print.ts';
import type { Slot } from '../ir/slot.ts';
import type { CompiledMod } from './compiled.ts';
import { explainGradients } from './explain-gradient.ts';
import { explainPruning } from './explain-pruning.ts';
import type { Resolution } from './resolve.ts';

/**
 * What became of a mod: its kind, captures with their types, how the gradient by each is summed and why, or whether a
 * mask prunes and what keeps it from it, the graph, the WGSL.
 */
export function explainMod(
  mod: CompiledMod,
  hook: CompiledScoreHook | CompiledMaskHook,
  { scalars }: Resolution,
): string {
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  const captures = slots.map((slot) => `${slot.name}: ${slotType(slot)}`);
  const gradients = hook.kind === 'score' ? explainGradients(mod, hook) : [];
  const values = mod.scalars.map(({ capture }) => scalars[capture]!);
  const pruning = hook.kind === 'mask' ? explainPruning(mod, values) : [];
  return [
    `${mod.kind} mod ${mod.hash}`,
    ...section('captures', captures),
    ...section('gradients', gradients),
    ...section('prunes', pruning),
    ...section('graph', printGraph(mod.root, ({ name }) => name).split('\n')),
    ...section('wgsl', hook.wgsl.split('\n')),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? ['', title, ...lines.map((line) => (line === '' ? '' : `  ${line}`))] : [];

function slotType(slot: Slot): string {
  return slot.kind === 'scalar' ? slot.type : `${slot.dtype} table of rank ${slot.rank}`;
}
