import { type SassInstruction, ZERO_REGISTER } from './sass.ts';

/** A loop of machine code: the indices of its first and last instruction. */
export interface SassLoop {
  readonly head: number;
  readonly tail: number;
}

const UNIFORM_ZERO = 63;
const MAX_TRIPS = 65_536;
const MAX_DEPTH = 8;

const withoutResult = new Set(
  'ISETP FSETP UISETP HSETP2 PLOP3 UPLOP3 R2P BRA BSSY BSYNC BREAK CALL RET EXIT WARPSYNC NOP BAR DEPBAR MEMBAR ST STG STL STS RED LDGDEPBAR'.split(
    ' ',
  ),
);
const ofPairs = new Set(['CS2R', 'IMAD.WIDE', 'UIMAD.WIDE']);

/**
 * Returns how often a loop's body runs in thread 0, or undefined where that does not follow from literals: some register must change
 * by a literal alone, from a literal or a thread's index, and be compared with a literal.
 */
export function loopTrips(code: readonly SassInstruction[], loop: SassLoop): number | undefined {
  const counts: number[] = [];
  for (let at = loop.head; at <= loop.tail; at++) {
    const test = code[at]!;
    if (test.name !== 'ISETP' && test.name !== 'UISETP') continue;
    const counter = counterOf(code, loop, sourceOf(code, loop, at, registerOf(test, test.a)));
    const bound = secondOperand(code, loop, test);
    if (counter === undefined || bound === undefined) continue;
    const count = countTurns(
      test,
      { ...counter, start: counter.start + (counter.at < at ? counter.step : 0) },
      bound,
    );
    if (count !== undefined) counts.push(count - (code[loop.tail]!.isPredicated ? 0 : 1));
  }
  return counts.length === 0 ? undefined : Math.min(...counts);
}

/** Returns in which turn a test's outcome first differs from that in the first turn. */
function countTurns(
  test: SassInstruction,
  { start, step }: Counter,
  bound: number,
): number | undefined {
  const first = compare(test, start, bound);
  for (let turn = 1; turn < MAX_TRIPS; turn++)
    if (compare(test, start + step * turn, bound) !== first) return turn + 1;
  // A counter that would have to come from the other side of the bound: the compiler knows of one turn only.
  const isAway = test.comparison.startsWith(step > 0 ? '>' : '<');
  return isAway && !first ? 1 : undefined;
}

/** Returns the register of which another is a copy within the loop, or that register. */
function sourceOf(
  code: readonly SassInstruction[],
  loop: SassLoop,
  before: number,
  register: string,
): string {
  for (let at = before - 1; at >= loop.head; at--)
    if (writes(code[at]!, register)) return copiedRegister(code[at]!) ?? register;
  return register;
}

interface Counter {
  readonly at: number;
  readonly start: number;
  readonly step: number;
}

function registerOf({ name }: SassInstruction, register: number): string {
  return `${isUniform(name) ? 'U' : 'R'}${register}`;
}

const isUniform = (name: string): boolean =>
  name.startsWith('U') || name === 'S2UR' || name === 'R2UR';

/** Whether an instruction writes a register, as one of several too. */
function writes(instruction: SassInstruction, register: string): boolean {
  const { name, d, width } = instruction;
  if (withoutResult.has(name) || register[0] !== (isUniform(name) ? 'U' : 'R')) return false;
  const count =
    name === 'HMMA' || name === 'LDSM' ? 4 : ofPairs.has(name) ? 2 : Math.max(1, width / 32);
  const number = Number(register.slice(1));
  return number >= d && number < d + count;
}

/** Returns where and by how much a register changes per turn, and its value before the loop. */
function counterOf(
  code: readonly SassInstruction[],
  loop: SassLoop,
  register: string,
): Counter | undefined {
  const changes: number[] = [];
  for (let i = loop.head; i <= loop.tail; i++) if (writes(code[i]!, register)) changes.push(i);
  const [at] = changes;
  if (at === undefined || changes.length > 1) return;
  const change = code[at]!;
  const isSum =
    change.name === 'VIADD' ||
    ((change.name === 'IADD3' || change.name === 'UIADD3') && isZero(change, change.c));
  if (!isSum || registerOf(change, change.a) !== register) return;
  const start = valueBefore(code, loop.head, register);
  const step = secondOperand(code, loop, change);
  return start === undefined || step === undefined ? undefined : { at, start, step };
}

/** Returns the value of an instruction's second operand, if that is a literal or a register that the loop does not change. */
function secondOperand(
  code: readonly SassInstruction[],
  loop: SassLoop,
  instruction: SassInstruction,
): number | undefined {
  if (instruction.form === 'immediate') return instruction.immediate;
  const register = secondRegister(instruction);
  if (register === undefined) return;
  const changes = code.slice(loop.head, loop.tail + 1).some((other) => writes(other, register));
  return changes ? undefined : valueBefore(code, loop.head, register);
}

function secondRegister(instruction: SassInstruction): string | undefined {
  if (instruction.form === 'uniform') return `U${instruction.b}`;
  return instruction.form === 'registers' ? registerOf(instruction, instruction.b) : undefined;
}

/** Returns the register of which an instruction's result is a copy. */
function copiedRegister(instruction: SassInstruction): string | undefined {
  const { name, form, a, b } = instruction;
  if (name === 'MOV' || name === 'UMOV') return secondRegister(instruction);
  if (name !== 'IMAD' || a !== ZERO_REGISTER) return;
  if (form === 'thirdUniform') return `U${b}`;
  return form === 'registers' ? `R${instruction.c}` : undefined;
}

const isZero = ({ name }: SassInstruction, register: number): boolean =>
  register === (isUniform(name) ? UNIFORM_ZERO : ZERO_REGISTER);

/** Returns a register's value in thread 0 as the code before an instruction computes it from literals. */
function valueBefore(
  code: readonly SassInstruction[],
  before: number,
  register: string,
  depth = 0,
): number | undefined {
  if (register === `R${ZERO_REGISTER}` || register === `U${UNIFORM_ZERO}`) return 0;
  if (depth > MAX_DEPTH) return;
  let at = before - 1;
  while (at >= 0 && !writes(code[at]!, register)) at--;
  const source = code[at];
  if (source === undefined || source.isPredicated) return;
  const operand = (number: number): number | undefined =>
    valueBefore(code, at, registerOf(source, number), depth + 1);
  const second = (): number | undefined => {
    const from = secondRegister(source);
    if (source.form === 'immediate') return source.immediate;
    return from === undefined ? undefined : valueBefore(code, at, from, depth + 1);
  };
  switch (source.name) {
    case 'CS2R':
    case 'S2R':
    case 'S2UR':
      return 0;
    case 'MOV':
    case 'UMOV':
      return second();
    case 'HFMA2':
    case 'HFMA2.MMA':
      return source.form === 'thirdImmediate' ? source.immediate : undefined;
    case 'VIADD':
      return sum(operand(source.a), second());
    case 'IADD3':
    case 'UIADD3':
      return sum(sum(operand(source.a), second()), operand(source.c));
    case 'IMAD': {
      const copied = copiedRegister(source);
      if (copied !== undefined) return valueBefore(code, at, copied, depth + 1);
      return source.form === 'thirdImmediate'
        ? sum(product(operand(source.a), operand(source.c)), source.immediate)
        : sum(product(operand(source.a), second()), operand(source.c));
    }
    case 'SHF':
    case 'LOP3':
      return [source.a, source.c].every((number) => operand(number) === 0) ? 0 : undefined;
    default:
  }
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : (a + b) | 0;

function product(a: number | undefined, b: number | undefined): number | undefined {
  if (a === 0 || b === 0) return 0;
  return a === undefined || b === undefined ? undefined : Math.imul(a, b);
}

function compare({ comparison, isSigned }: SassInstruction, left: number, right: number): boolean {
  const [a, b] = isSigned ? [left | 0, right | 0] : [left >>> 0, right >>> 0];
  switch (comparison) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case 'always':
      return true;
    case 'never':
      return false;
  }
}
