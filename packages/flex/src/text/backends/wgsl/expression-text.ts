import { finite } from '../../ir/evaluate-operation.ts';
import { constantOf, type Node, type Op } from '../../ir/expression-node.ts';
import { ordered, useCounts } from '../../ir/traversal.ts';

/**
 * The precedence levels of WGSL's grammar: shifts and bit operations take unary operands only, and chains of `&`, `|` and `^`
 * mix with no other operator.
 */
export const Level = { chain: 1, relation: 2, sum: 3, product: 4, unary: 5 } as const;

export interface Text {
  readonly text: string;
  readonly level: number;
  /** The operator of a chain. */
  readonly chain?: string;
}

/** The helper functions that some operations call; see helper-functions.ts. */
export type Helper = 'tanh' | 'pow' | 'atan2' | 'log' | 'log2' | 'fmod' | 'floor_div';

type Print = (node: Node, args: readonly Text[], helper: (name: Helper) => string) => Text;

const unary = (text: string): Text => ({ text, level: Level.unary });

/** Returns the text, in parentheses where its precedence is too low. */
function at(level: number, { text, level: own }: Text): string {
  return own < level ? `(${text})` : text;
}

// WGSL parses `f(a < b, c > d)` as a template: only the last argument may be a bare comparison.
const call = (name: string, args: readonly Text[]): Text =>
  unary(
    `${name}(${args.map((arg, i) => at(i < args.length - 1 ? Level.sum : 0, arg)).join(', ')})`,
  );

/**
 * An operator, its precedence, and the precedence that its operands need; without the last, chains of the operator need no
 * parentheses.
 */
type Infix = readonly [operator: string, level: number, operands?: number];

const infixes: { readonly [O in Op]?: Infix } = {
  add: ['+', Level.sum],
  sub: ['-', Level.sum],
  mul: ['*', Level.product],
  div: ['/', Level.product],
  idiv: ['/', Level.product],
  mod: ['%', Level.product],
  lt: ['<', Level.relation, Level.sum],
  le: ['<=', Level.relation, Level.sum],
  eq: ['==', Level.relation, Level.sum],
  ne: ['!=', Level.relation, Level.sum],
  shr: ['>>', Level.relation, Level.unary],
  shl: ['<<', Level.relation, Level.unary],
  bitand: ['&', Level.chain, Level.unary],
  bitor: ['|', Level.chain, Level.unary],
  bitxor: ['^', Level.chain, Level.unary],
  // Both operands are computed: every operation is total, and some compilers take too long over the branches of `&&`.
  and: ['&', Level.chain, Level.unary],
  or: ['|', Level.chain, Level.unary],
};

function infix([operator, level, operands]: Infix, a: Text, b: Text): Text {
  const side = (x: Text, needed: number): string =>
    x.chain === operator ? x.text : at(operands ?? needed, x);
  const text = `${side(a, level)} ${operator} ${side(b, level + 1)}`;
  return { text, level, ...(level === Level.chain && { chain: operator }) };
}

const prefix =
  (operator: string): Print =>
  (_, [a]) => {
    const text = at(Level.unary, a!);
    return unary(text.startsWith('-') ? `${operator}(${text})` : `${operator}${text}`);
  };

/** A comparison with a constant reads better with the constant on the right. */
const ordering: Print = ({ op, args }, [a, b]) => {
  const [operator, ...levels] = infixes[op]!;
  if (args[0]!.op !== 'const') return infix([operator, ...levels], a!, b!);
  return infix([operator.replace('<', '>'), ...levels], b!, a!);
};

const shift: Print = ({ op, args }, [a, b]) =>
  infix(infixes[op]!, a!, unary(args[1]!.op === 'const' ? `${b!.text}u` : `u32(${b!.text})`));

/** Returns the exponent of a constant that is a power of two. */
function exponentOf(node: Node): number | undefined {
  const exponent = Math.log2(Math.abs(Number(constantOf(node))));
  return Number.isInteger(exponent) ? exponent : undefined;
}

/** Calls a helper in place of a WGSL function that is not defined or accurate for all numbers. */
function helped({ op }: Node, args: readonly Text[], helper: (name: Helper) => string): Text {
  return call(helper(op as Helper), args);
}

/** Operations that are neither an infix operator nor a WGSL function of the same name. */
const printers: { readonly [O in Op]?: Print } = {
  neg: prefix('-'),
  not: prefix('!'),
  bitnot: prefix('~'),
  clz: (_, args) => call('countLeadingZeros', args),
  toF32: (_, args) => call('f32', args),
  // WGSL does not define the conversion of a value out of range on all backends.
  toI32: (_, [a]) => unary(`i32(clamp(${a!.text}, -2147483648.0, 2147483520.0))`),
  tanh: helped,
  pow: helped,
  atan2: helped,
  log: helped,
  log2: helped,
  // `x + -1` reads better as `x - 1`.
  add: ({ args: [, y] }, [a, b]) => {
    const isNegative = Number(constantOf(y!)) < 0 && y!.data !== -(2 ** 31);
    return isNegative
      ? infix(infixes.sub!, a!, unary(b!.text.slice(1)))
      : infix(infixes.add!, a!, b!);
  },
  // A product with the reciprocal is exact where the divisor is a power of two; WGSL's division need not be.
  div: ({ args: [, y] }, [a, b]) =>
    Math.abs(exponentOf(y!) ?? Infinity) <= 120
      ? infix(infixes.mul!, a!, unary(f32Literal(1 / (y!.data as number))))
      : infix(infixes.div!, a!, b!),
  floordiv: ({ args: [, y] }, args, helper) => {
    const exponent = exponentOf(y!);
    return exponent !== undefined && (y!.data as number) > 0
      ? infix(infixes.shr!, args[0]!, unary(`${exponent}u`))
      : call(helper('floor_div'), args);
  },
  mod: ({ type }, args, helper) =>
    type === 'i32' ? infix(infixes.mod!, args[0]!, args[1]!) : call(helper('fmod'), args),
  lt: ordering,
  le: ordering,
  shl: shift,
  shr: shift,
  ushr: (_, [a, b]) => unary(`i32(u32(${a!.text}) >> ${b!.text}u)`),
  select: (_, [condition, a, b]) => call('select', [b!, a!, condition!]),
  low: (_, [range]) => unary(`${range!.text}.x`),
  high: (_, [range]) => unary(`${range!.text}.y`),
};

/** Prints one operation from the texts of its arguments. */
const printOperation: Print = (node, args, helper) => {
  const operator = infixes[node.op];
  const print = printers[node.op];
  if (print) return print(node, args, helper);
  return operator ? infix(operator, args[0]!, args[1]!) : call(node.op, args);
};

function printConstant(node: Node): Text {
  const value = constantOf(node)!;
  return unary(node.type === 'f32' ? f32Literal(value as number) : String(value));
}

/** Returns an f32 literal: the shortest decimal that rounds to the value. */
export function f32Literal(value: number): string {
  const exact = Math.fround(finite(value));
  let text = '';
  for (let digits = 1; text === '' || Math.fround(Number(text)) !== exact; digits++) {
    text = String(Number(exact.toPrecision(digits)));
  }
  const signed = Object.is(exact, -0) ? `-${text}` : text;
  return /[.e]/.test(signed) ? signed : `${signed}.0`;
}

/** The names that a function body uses. */
interface BodyNames {
  /** The text of an input, a parameter or a table access. */
  leaf(node: Node, args: readonly Text[]): Text;
  helper(name: Helper): string;
  /** The text of a node that is computed elsewhere. */
  known(node: Node): string | undefined;
}

/** A function body as text: statements that name shared values, and one expression for each root. */
interface Body {
  readonly lets: readonly string[];
  readonly results: readonly string[];
}

/** Longer expressions are split, for readability. */
const MAX_LENGTH = 100;

/** Writes nodes as WGSL, each once. Names are numbered: no text of the source enters the WGSL. */
export function writeBody(roots: readonly Node[], names: BodyNames): Body {
  const texts = new Map<Node, Text>();
  const isKnown = (node: Node): boolean => names.known(node) !== undefined;
  const counts = useCounts(roots, isKnown);
  const lets: string[] = [];
  for (const node of ordered(roots, isKnown)) {
    const known = names.known(node);
    if (known !== undefined) {
      texts.set(node, { text: known, level: Level.unary });
      continue;
    }
    const text = writeNode(
      node,
      node.args.map((arg) => texts.get(arg)!),
      names,
    );
    const isShared = counts.get(node)! > 1 && node.op !== 'const' && !/^[\w.]+$/.test(text.text);
    if (node.op !== 'range' && !isShared && text.text.length <= MAX_LENGTH) {
      texts.set(node, text);
      continue;
    }
    texts.set(node, { text: `v${lets.length}`, level: Level.unary });
    lets.push(`let v${lets.length} = ${text.text};`);
  }
  return { lets, results: roots.map((root) => at(Level.chain, texts.get(root)!)) };
}

function writeNode(node: Node, args: readonly Text[], names: BodyNames): Text {
  switch (node.op) {
    case 'const':
      return printConstant(node);
    case 'input':
    case 'param':
    case 'read':
    case 'range':
      return names.leaf(node, args);
    default:
      return printOperation(node, args, (name) => names.helper(name));
  }
}
