import type { TableDerivative } from '../backends/derivative/derivative.ts';
import type { CompiledScoreHook } from '../backends/wgsl/hooks.ts';
import { inputsOf } from '../ir/depends.ts';
import { elementType, type Slot, type TableSlot } from '../ir/slot.ts';
import { type CompiledMod, toDerivative } from './compiled.ts';

/** How the gradient by each capture of a score mod is summed, and why so. */
export function explainGradients(mod: CompiledMod, { gradient }: CompiledScoreHook): string[] {
  const { tables } = toDerivative(mod);
  const reads = tables.map((table, i) => ({ ...table, isPerRow: gradient.reads[i]!.isPerRow }));
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  return slots.flatMap((slot) => {
    const own = reads.filter((read) => read.slot === slot);
    const lines = own.length > 0 ? own.map(sumOf) : [absence(slot)];
    return lines.map((line) => `${slot.name}: ${line}`);
  });
}

interface Read extends TableDerivative {
  readonly isPerRow: boolean;
}

function sumOf({ indices, isPerRow }: Read): string {
  const inputs = [...inputsOf(...indices)].toSorted().join(', ');
  if (!isPerRow)
    return `added score by score, in 64-bit fixed point: its index depends on ${inputs}`;
  const why = inputs === '' ? 'its index is fixed' : `its index depends on ${inputs} alone`;
  return `summed along a query row, then added in 64-bit fixed point: ${why}, so all keys of a row share an element`;
}

function absence(slot: Slot): string {
  if (slot.kind === 'scalar') {
    return slot.type === 'f32'
      ? 'none, it is a number; a tensor of shape [] has a gradient'
      : `none, it is ${slot.type}`;
  }
  return tableAbsence(slot);
}

function tableAbsence(slot: TableSlot): string {
  return elementType(slot) === 'i32'
    ? 'none, its elements are integers'
    : 'none, the derivative by its elements is 0 everywhere';
}
