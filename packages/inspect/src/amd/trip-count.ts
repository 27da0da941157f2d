import type { Instruction } from './instruction.ts';

// A counter that is compared with its end only after a wrap-around does not bound a loop.
const MOST_TRIPS = 4096;

/**
 * Returns how often a loop turns: it compares a register with a constant and adds a constant to it, and the register has a
 * constant before the loop or is a thread's index, which is less than the step. Undefined if no register is such a counter.
 *
 * @param own the instructions of the loop that are in no inner loop
 * @param before all instructions before the loop
 */
export function tripsOf(
  own: readonly Instruction[],
  before: readonly Instruction[],
): number | undefined {
  const trips = own.flatMap((instruction) => {
    const compared = comparisonOf(instruction);
    if (!compared) return [];
    const step = stepOf(own, compared.register);
    if (step === undefined) return [];
    const count = Math.ceil((compared.end - startOf(before, compared.register)) / step);
    return count > 0 && count <= MOST_TRIPS ? [count] : [];
  });
  return trips.length > 0 ? Math.min(...trips) : undefined;
}

interface Comparison {
  readonly register: string;
  /** The first value of the register after the loop. */
  readonly end: number;
}

function comparisonOf({ op, operands }: Instruction): Comparison | undefined {
  const match = /^[sv]_cmp[kx]?_(lt|le|gt|ge|eq|lg|ne)_[iu]32$/.exec(op);
  if (!match) return undefined;
  const [a, b] = operands.split(', ').slice(-2) as [string, string];
  const [register, constant] = isRegister(a) ? [a, b] : [b, a];
  const value = constantOf(constant);
  if (!isRegister(register) || value === undefined) return undefined;
  // Where the register may reach the constant, the loop ends one step later.
  const reaches = register === a ? ['gt', 'le'] : ['lt', 'ge'];
  return { register, end: reaches.includes(match[1]!) ? value + 1 : value };
}

const isRegister = (operand: string): boolean => /^[sv]\d+$/.test(operand);

function constantOf(operand: string): number | undefined {
  const value = Number(operand);
  return operand === '' || Number.isNaN(value) ? undefined : value | 0;
}

/** Returns what a loop adds to a register per turn, if it writes it only once. */
function stepOf(own: readonly Instruction[], register: string): number | undefined {
  const [only, ...others] = own.filter((instruction) => writes(instruction, register));
  if (!only || others.length > 0 || !/^(s_add|s_addk|v_add)(_nc|_co)?_[iu]32$/.test(only.op)) {
    return undefined;
  }
  const [, ...terms] = only.operands.split(', ');
  const constant = terms.map(constantOf).find((term) => term !== undefined);
  return terms.includes(register) || only.op.startsWith('s_addk') ? constant : undefined;
}

const storesOrCompares = /^(ds_(store|write)|s_cmp|s_c?branch|(buffer|global|scratch)_store)/;

/** Whether an instruction writes a register: its first operand is the register, or a range with it. */
function writes({ op, operands }: Instruction, register: string): boolean {
  if (storesOrCompares.test(op)) return false;
  const target = /^([sv])(?:(\d+)|\[(\d+):(\d+)\])(?:,|$)/.exec(operands);
  if (target?.[1] !== register[0]) return false;
  const number = Number(register.slice(1));
  const [from, to] = [target![2] ?? target![3], target![2] ?? target![4]].map(Number);
  return from! <= number && number <= to!;
}

function startOf(before: readonly Instruction[], register: string): number {
  const set = before.findLast((instruction) => writes(instruction, register));
  if (!set || !/^(s_mov|s_movk|v_mov)_[bi]32$/.test(set.op)) return 0;
  return constantOf(set.operands.split(', ')[1]!) ?? 0;
}
