import { ControlFlow } from './spirv-flow.ts';
import { type LaneAccess, LaneMachine } from './lane-machine.ts';
import type { Instruction, SpirvModule } from './spirv-module.ts';

/** An access of a warp to workgroup memory. */
export interface WarpAccess {
  readonly instruction: Instruction;
  readonly variable: number;
  /** The first byte of each lane's access within the variable, undefined for lanes without one. */
  readonly offsets: readonly (number | undefined)[];
  /** Whether some lane's place depends on data, so that `offsets` lacks it. */
  readonly isUnknown: boolean;
  readonly stride: number | undefined;
}

/** Returns the accesses of the first lanes of a workgroup in one turn of the innermost loop of unknown length that has most of them. */
export function warpTurn(module: SpirvModule, lanes: number): WarpAccess[] {
  const flow = new ControlFlow(module);
  const traces = Array.from({ length: lanes }, (_, thread) =>
    new LaneMachine(module, flow, thread).run(),
  );
  const loopOf = ({ loops }: LaneAccess): number =>
    loops.findLast((header) => traces[0]!.openLoops.has(header)) ?? 0;
  const counts = new Map<number, number>();
  for (const access of traces[0]!.accesses)
    counts.set(loopOf(access), (counts.get(loopOf(access)) ?? 0) + 1);
  const [main] = [...counts].filter(([loop]) => loop !== 0).toSorted((a, b) => b[1] - a[1]);
  if (main === undefined) return [];
  return together(
    traces.map(({ accesses }) => accesses.filter((access) => loopOf(access) === main[0])),
  );
}

/** Joins lanes' accesses, in the order of the first lane: the nth of an instruction in one lane belongs to the nth in the others. */
function together(lanes: readonly (readonly LaneAccess[])[]): WarpAccess[] {
  const byInstruction = new Map<Instruction, LaneAccess[][]>();
  for (const [lane, accesses] of lanes.entries()) {
    const seen = new Map<Instruction, number>();
    for (const access of accesses) {
      const { instruction } = access;
      const nth = seen.get(instruction) ?? 0;
      seen.set(instruction, nth + 1);
      const all = byInstruction.get(instruction) ?? [];
      byInstruction.set(instruction, all);
      (all[nth] ??= [])[lane] = access;
    }
  }
  const order = new Map(lanes[0]!.map((access, index) => [access, index]));
  const place = ([access]: readonly LaneAccess[]): number =>
    (access && order.get(access)) ?? order.size;
  const inOrder = [...byInstruction.values()].flat().toSorted((a, b) => place(a) - place(b));
  return inOrder.map((all) => {
    const first = all.find((access) => access !== undefined)!;
    return {
      instruction: first.instruction,
      variable: first.variable,
      offsets: Array.from(lanes, (_, lane) => all[lane]?.offset),
      isUnknown: all.some((access) => access !== undefined && access.offset === undefined),
      stride: first.stride,
    };
  });
}
