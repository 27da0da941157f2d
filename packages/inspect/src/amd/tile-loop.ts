import { isInside, type Loop, type Program } from './control-flow.ts';
import {
  bytesOf,
  type Instruction,
  isVector,
  loadsAfterWait,
  multiplyAddsOf,
} from './instruction.ts';
import { turnOf } from './loop-turn.ts';

/** The loop over key tiles (or, for dk and dv, over query tiles), and one turn of it. */
export interface TileLoop {
  readonly loop: Loop;
  readonly turn: readonly Instruction[];
}

/**
 * Finds the loop over tiles: the innermost loop with an unknown number of turns that does nearly all multiply-adds of the loop that
 * does most. Undefined if the kernel has none, as helpers.
 */
export function tileLoop(program: Program, lanes: number): TileLoop | undefined {
  const candidates = program.loops
    .filter(({ trips }) => trips === undefined)
    .map((loop) => {
      const turn = turnOf(program, loop, lanes);
      return { loop, turn, work: workOf(turn, lanes) };
    });
  const [largest] = candidates.toSorted((a, b) => b.work - a.work);
  return candidates
    .filter(({ loop }) => isInside(loop, largest!.loop) || loop === largest!.loop)
    .filter(({ work }) => work > 0 && work >= 0.9 * largest!.work)
    .toSorted((a, b) => sizeOf(a.loop) - sizeOf(b.loop))[0];
}

const sizeOf = ({ first, last }: Loop): number => last - first;

/** Returns the multiply-adds per lane of a list of instructions. */
export function workOf(instructions: readonly Instruction[], lanes: number): number {
  return instructions.reduce((sum, one) => sum + multiplyAddsOf(one, lanes), 0);
}

/** How one wave waits for global memory in a turn that follows another. */
export interface Loading {
  /** How often it stops until loads arrive. Loads that are issued together have one stop. */
  readonly waits: number;
  /** The most bytes per lane that are on their way at a time. */
  readonly bytesInFlight: number;
}

/** Follows the loads of a loop through two turns, and returns what the second does. */
export function loadingOf(turn: readonly Instruction[]): Loading {
  let inFlight: number[] = [];
  let isNew = false;
  let waits = 0;
  let bytesInFlight = 0;
  for (const [i, instruction] of [...turn, ...turn].entries()) {
    const isCounted = i >= turn.length;
    if (instruction.kind === 'globalLoad' || isReload(instruction)) {
      inFlight.push(bytesOf(instruction));
      isNew = true;
      if (isCounted) bytesInFlight = Math.max(bytesInFlight, sum(inFlight));
    }
    const left = loadsAfterWait(instruction);
    if (left === undefined || inFlight.length <= left) continue;
    if (isNew && isCounted) waits++;
    isNew = false;
    inFlight = left === 0 ? [] : inFlight.slice(-left);
  }
  return { waits, bytesInFlight };
}

// Registers that were spilled come from memory too.
const isReload = ({ op }: Instruction): boolean => op.startsWith('scratch_load');

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Returns the number of vector instructions. */
export const vectorCount = (turn: readonly Instruction[]): number => turn.filter(isVector).length;
