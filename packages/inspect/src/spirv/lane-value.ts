import type { OpcodeName } from './opcode.ts';
import { type SpirvModule, typeOf } from './spirv-module.ts';

/**
 * A value of one lane: a number for an integer or a Boolean (0 or 1), an array for a composite, a pointer, or undefined where it depends
 * on memory, on the workgroup's id or on floats.
 */
export type LaneValue = number | readonly LaneValue[] | Pointer | undefined;

/** A place: a variable and the indices into it. */
export class Pointer {
  readonly variable: Cell;
  readonly path: readonly (number | undefined)[];

  constructor(variable: Cell, path: readonly (number | undefined)[] = []) {
    this.variable = variable;
    this.path = path;
  }
}

/** A variable: of a function with its value, or a module's, whose value is not known. */
export interface Cell {
  readonly type: number;
  readonly workgroup?: number;
  value: LaneValue;
}

/** Returns the zero of a type. Floats are not known, so neither are composites of floats alone. */
function zeroOf(module: SpirvModule, id: number): LaneValue {
  const type = typeOf(module, id);
  switch (type.kind) {
    case 'bool':
    case 'int':
      return 0;
    case 'vector':
    case 'array': {
      const element = zeroOf(module, type.element);
      return element === undefined ? undefined : Array.from({ length: type.length }, () => element);
    }
    case 'struct':
      return type.members.map((member) => zeroOf(module, member));
    default:
      return undefined;
  }
}

/** Returns the value of a module's constant. */
export function constantOf(module: SpirvModule, id: number): LaneValue {
  const constant = module.constants.get(id);
  if (constant === undefined) return undefined;
  const { kind, type } = constant;
  if (kind === 'null') return zeroOf(module, type);
  if (kind === 'composite') return constant.parts.map((part) => constantOf(module, part));
  return typeOf(module, type).kind === 'float' ? undefined : constant.bits;
}

/** Returns what is known of a value that is one of two. */
export function joined(a: LaneValue, b: LaneValue): LaneValue {
  if (a === b) return a;
  if (!isComposite(a) || !isComposite(b)) return undefined;
  return a.map((part, index) => joined(part, b[index]));
}

export const isComposite = (value: LaneValue): value is readonly LaneValue[] =>
  Array.isArray(value);

/** Returns the part of a value at a path. */
export function partAt(value: LaneValue, path: readonly (number | undefined)[]): LaneValue {
  let at = value;
  for (const index of path) at = isComposite(at) && index !== undefined ? at[index] : undefined;
  return at;
}

/** Returns a value whose part at a path is replaced; not known at all if the path is not known. */
export function withPart(
  value: LaneValue,
  path: readonly (number | undefined)[],
  part: LaneValue,
): LaneValue {
  const [index, ...rest] = path;
  if (path.length === 0) return part;
  if (!isComposite(value) || index === undefined) return undefined;
  return value.with(index, withPart(value[index], rest, part));
}

const asBit = (condition: boolean): number => (condition ? 1 : 0);

/** Operations on integers and Booleans; the result is a number of 32 bits without sign. */
const operations: Partial<Record<OpcodeName, (a: number, b: number, c: number) => number>> = {
  SNegate: (a) => -a,
  IAdd: (a, b) => a + b,
  ISub: (a, b) => a - b,
  IMul: (a, b) => Math.imul(a, b),
  UDiv: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  SDiv: (a, b) => (b === 0 ? 0 : (a | 0) / (b | 0)),
  UMod: (a, b) => (b === 0 ? 0 : a % b),
  SRem: (a, b) => (b === 0 ? 0 : (a | 0) % (b | 0)),
  LogicalEqual: (a, b) => asBit(a === b),
  LogicalNotEqual: (a, b) => asBit(a !== b),
  LogicalOr: (a, b) => a | b,
  LogicalAnd: (a, b) => a & b,
  LogicalNot: (a) => 1 - a,
  IEqual: (a, b) => asBit(a === b),
  INotEqual: (a, b) => asBit(a !== b),
  UGreaterThan: (a, b) => asBit(a > b),
  UGreaterThanEqual: (a, b) => asBit(a >= b),
  ULessThan: (a, b) => asBit(a < b),
  ULessThanEqual: (a, b) => asBit(a <= b),
  SGreaterThan: (a, b) => asBit((a | 0) > (b | 0)),
  SGreaterThanEqual: (a, b) => asBit((a | 0) >= (b | 0)),
  SLessThan: (a, b) => asBit((a | 0) < (b | 0)),
  SLessThanEqual: (a, b) => asBit((a | 0) <= (b | 0)),
  ShiftRightLogical: (a, b) => a >>> b,
  ShiftRightArithmetic: (a, b) => (a | 0) >> b,
  ShiftLeftLogical: (a, b) => a << b,
  BitwiseOr: (a, b) => a | b,
  BitwiseXor: (a, b) => a ^ b,
  BitwiseAnd: (a, b) => a & b,
  Not: (a) => ~a,
  BitFieldUExtract: (a, b, c) => (c === 0 ? 0 : (a << (32 - b - c)) >>> (32 - c)),
  Bitcast: (a) => a,
  UConvert: (a) => a,
  SConvert: (a) => a,
};

/** Instructions of GLSL.std.450 on integers, by number. */
const extendedOperations: Record<number, (a: number, b: number, c: number) => number> = {
  38: (a, b) => Math.min(a, b),
  39: (a, b) => Math.min(a | 0, b | 0),
  41: (a, b) => Math.max(a, b),
  42: (a, b) => Math.max(a | 0, b | 0),
  44: (a, b, c) => Math.min(Math.max(a, b), c),
  45: (a, b, c) => Math.min(Math.max(a | 0, b | 0), c | 0),
};

/** A product with 0 and a conjunction with `false` are known whatever the other operand is. */
const absorbing: Partial<Record<OpcodeName, number>> = {
  IMul: 0,
  LogicalAnd: 0,
  BitwiseAnd: 0,
  LogicalOr: 1,
};

/** Whether `operate` knows an operation: it is one on integers or Booleans. */
export const isKnownOperation = (name: OpcodeName): boolean => name in operations;

/** Returns the result of an operation on scalars or, component by component, on vectors; undefined for any other operation. */
export function operate(name: OpcodeName, operands: readonly LaneValue[]): LaneValue {
  return wise(operands, operations[name], absorbing[name]);
}

/** Returns the result of an instruction of GLSL.std.450. */
export function operateExtended(code: number, operands: readonly LaneValue[]): LaneValue {
  return wise(operands, extendedOperations[code]);
}

function wise(
  operands: readonly LaneValue[],
  operation: ((a: number, b: number, c: number) => number) | undefined,
  absorber?: number,
): LaneValue {
  if (operation === undefined) return undefined;
  const vector = operands.find(isComposite);
  if (vector !== undefined)
    return vector.map((_, lane) =>
      wise(
        operands.map((operand) => (isComposite(operand) ? operand[lane] : undefined)),
        operation,
        absorber,
      ),
    );
  if (absorber !== undefined && operands.includes(absorber)) return absorber;
  const [a, b = 0, c = 0] = operands;
  if (operands.some((operand) => typeof operand !== 'number')) return undefined;
  return operation(a as number, b as number, c as number) >>> 0;
}
