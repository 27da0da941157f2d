import { type BinaryOp, constantOf, type Node, type UnaryOp } from '../../ir/node.ts';
import { f32Literal } from './literal.ts';

/**
 * How tightly an expression binds, after WGSL's grammar: shifts and bit operations take unary operands only, and chains
 * of `&&`, `||`, `&`, `|` and `^` mix with nothing.
 */
export const Level = { chain: 1, relation: 2, sum: 3, product: 4, unary: 5 } as const;

export interface Text {
  readonly text: string;
  readonly level: number;
  /** The operator of a chain. */
  readonly chain?: string;
}

/** Names of the helper functions that some operations call; see helpers.ts. */
export type Helper = 'tanh' | 'pow' | 'fmod' | 'floor_div';

type Print = (node: Node, args: readonly Text[], helper: (name: Helper) => string) => Text;

const unary = (text: string): Text => ({ text, level: Level.unary });

// WGSL takes `f(a < b, c > d)` for a template: only the last argument may be a bare comparison.
const list = (args: readonly Text[]): string =>
  args.map((arg, i) => (i < args.length - 1 ? at(Level.sum, arg) : arg.text)).join(', ');

/** The text, in parentheses where it would bind too loosely. */
export function at(level: number, { text, level: own }: Text): string {
  return own < level ? `(${text})` : text;
}

const call =
  (name: string): Print =>
  (_, args) =>
    unary(`${name}(${list(args)})`);

const viaHelper =
  (name: Helper): Print =>
  (_, args, helper) =>
    unary(`${helper(name)}(${list(args)})`);

const infix =
  (operator: string, level: number, left = level): Print =>
  (_, [a, b]) => ({ text: `${at(left, a!)} ${operator} ${at(level + 1, b!)}`, level });

const chain =
  (operator: string, operand: number): Print =>
  (_, [a, b]) => {
    const part = (x: Text): string => (x.chain === operator ? x.text : at(operand, x));
    return { text: `${part(a!)} ${operator} ${part(b!)}`, level: Level.chain, chain: operator };
  };

/** A comparison; constants go to the right. */
const relation =
  (operator: string, flipped: string): Print =>
  ({ args }, [a, b]) => {
    const flip = args[0]!.op === 'const';
    const [x, y] = flip ? [b!, a!] : [a!, b!];
    const text = `${at(Level.sum, x)} ${flip ? flipped : operator} ${at(Level.sum, y)}`;
    return { text, level: Level.relation };
  };

const prefix =
  (operator: string): Print =>
  (_, [a]) => {
    const text = at(Level.unary, a!);
    return unary(text.startsWith('-') ? `${operator}(${text})` : `${operator}${text}`);
  };

const shift =
  (operator: string): Print =>
  ({ args }, [a, b]) => {
    const count = args[1]!.op === 'const' ? `${b!.text}u` : `u32(${b!.text})`;
    return { text: `${at(Level.unary, a!)} ${operator} ${count}`, level: Level.relation };
  };

const sum = infix('+', Level.sum);
const difference = infix('-', Level.sum);
const product = infix('*', Level.product);
const quotient = infix('/', Level.product);

/** `x + -1` reads better as `x - 1`. */
const add: Print = (node, args, helper) => {
  const value = constantOf(node.args[1]!) as number | undefined;
  if (value === undefined || !(value < 0) || value === -(2 ** 31)) return sum(node, args, helper);
  return difference(node, [args[0]!, { ...args[1]!, text: args[1]!.text.slice(1) }], helper);
};

/** A product with the reciprocal is exact where that is a power of two; WGSL's division need not be. */
const div: Print = (node, args, helper) => {
  const value = constantOf(node.args[1]!) as number | undefined;
  const isPower = value !== undefined && Number.isInteger(Math.log2(Math.abs(value)));
  if (!isPower || Math.abs(Math.log2(Math.abs(value))) > 120) return quotient(node, args, helper);
  return product(node, [args[0]!, unary(f32Literal(1 / value))], helper);
};

const floordiv: Print = (node, args, helper) => {
  const value = constantOf(node.args[1]!) as number | undefined;
  const bits = value !== undefined && value > 0 ? Math.log2(value) : NaN;
  if (!Number.isInteger(bits)) return unary(`${helper('floor_div')}(${list(args)})`);
  return { text: `${at(Level.unary, args[0]!)} >> ${bits}u`, level: Level.relation };
};

const mod: Print = (node, args, helper) =>
  node.type === 'i32'
    ? infix('%', Level.product)(node, args, helper)
    : viaHelper('fmod')(node, args, helper);

const printers: Record<UnaryOp | BinaryOp | 'select' | 'low' | 'high', Print> = {
  neg: prefix('-'),
  not: prefix('!'),
  bitnot: prefix('~'),
  abs: call('abs'),
  sign: call('sign'),
  floor: call('floor'),
  ceil: call('ceil'),
  trunc: call('trunc'),
  sqrt: call('sqrt'),
  exp: call('exp'),
  exp2: call('exp2'),
  log: call('log'),
  log2: call('log2'),
  sin: call('sin'),
  cos: call('cos'),
  tan: call('tan'),
  asin: call('asin'),
  acos: call('acos'),
  atan: call('atan'),
  sinh: call('sinh'),
  cosh: call('cosh'),
  tanh: viaHelper('tanh'),
  asinh: call('asinh'),
  acosh: call('acosh'),
  atanh: call('atanh'),
  clz: call('countLeadingZeros'),
  toF32: call('f32'),
  // WGSL leaves open what a value out of range becomes on some backends.
  toI32: (_, [a]) => unary(`i32(clamp(${a!.text}, -2147483648.0, 2147483520.0))`),
  add,
  sub: difference,
  mul: product,
  div,
  idiv: quotient,
  floordiv,
  mod,
  min: call('min'),
  max: call('max'),
  pow: viaHelper('pow'),
  atan2: call('atan2'),
  bitand: chain('&', Level.unary),
  bitor: chain('|', Level.unary),
  bitxor: chain('^', Level.unary),
  shl: shift('<<'),
  shr: shift('>>'),
  ushr: (_, [a, b]) => unary(`i32(u32(${a!.text}) >> ${b!.text}u)`),
  lt: relation('<', '>'),
  le: relation('<=', '>='),
  eq: relation('==', '=='),
  ne: relation('!=', '!='),
  and: chain('&&', Level.relation),
  or: chain('||', Level.relation),
  select: (_, [condition, a, b]) => unary(`select(${list([b!, a!, condition!])})`),
  low: (_, [range]) => unary(`${range!.text}.x`),
  high: (_, [range]) => unary(`${range!.text}.y`),
};

/** One operation as text, from the texts of its arguments. */
export const printOperation: Print = (node, args, helper) =>
  printers[node.op as keyof typeof printers](node, args, helper);

export function printConstant(node: Node): Text {
  const value = constantOf(node)!;
  return unary(node.type === 'f32' ? f32Literal(value as number) : String(value));
}
