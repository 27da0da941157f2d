import { constantOf, type Input, type Node, type Op, type Slot } from './expression-node.ts';
import { ordered } from './traversal.ts';

/** Prints a slot without any name of the source. */
const slotText = (slot: Slot): string =>
  `${slot.kind}${slot.index}${slot.kind === 'table' ? slot.dtype : ''}`;

/** Prints the data of a node: equal leaves have equal text. */
export function dataText(data: Node['data'], nameOf: (slot: Slot) => string = slotText): string {
  if (typeof data !== 'object') return Object.is(data, -0) ? '-0' : String(data ?? '');
  return 'slot' in data ? `${nameOf(data.slot)}.${data.axis}` : nameOf(data);
}

/** Prints a graph, one operation per line: `%4 f32 = add %0 %3`. */
export function printGraph(root: Node, nameOf?: (slot: Slot) => string): string {
  const nodes = ordered([root]);
  const numbers = new Map(nodes.map((node, i) => [node, `%${i}`]));
  return nodes
    .map((node) => {
      const { op, type, data, args } = node;
      const parts = [op, dataText(data, nameOf), ...args.map((arg) => numbers.get(arg))];
      return `${numbers.get(node)} ${type} = ${parts.filter((part) => part !== '').join(' ')}`;
    })
    .join('\n');
}

const symbols: { readonly [O in Op]?: string } = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  mod: '%',
  pow: '**',
  bitand: '&',
  bitor: '|',
  bitxor: '^',
  shl: '<<',
  shr: '>>',
  ushr: '>>>',
  lt: '<',
  le: '<=',
  eq: '===',
  ne: '!==',
  and: '&&',
  or: '||',
};

const prefixes: { readonly [O in Op]?: string } = { neg: '-', not: '!', bitnot: '~' };

// A reader does not follow deeper expressions. A shared node is written at each use.
const DEEPEST = 6;

/** Prints a node for messages much as its author wrote it: `q - kv < c.window`. Parts that lie too deep become `…`. */
export function infix(node: Node, depth = 0): string {
  const { op, args, data } = node;
  if (depth > DEEPEST) return '…';
  const inner = (arg: Node): string => {
    const text = infix(arg, depth + 1);
    return symbols[arg.op] || arg.op === 'select' ? `(${text})` : text;
  };
  const [a, b, c] = args as [Node, Node, Node];
  if (symbols[op]) return `${inner(a)} ${symbols[op]} ${inner(b)}`;
  if (prefixes[op]) return `${prefixes[op]}${inner(a)}`;
  switch (op) {
    case 'const':
      return String(constantOf(node));
    case 'input':
      return inputText(data as Input);
    case 'param':
      return `c.${(data as Slot).name}`;
    case 'read':
      return `c.${(data as Slot).name}${args.map((arg) => `[${infix(arg, depth + 1)}]`).join('')}`;
    case 'select':
      return `${inner(a)} ? ${inner(b)} : ${inner(c)}`;
    case 'toF32':
      return infix(a, depth);
    case 'floordiv':
      return `Math.floor(${inner(a)} / ${inner(b)})`;
    default:
      return `${op === 'toI32' || op === 'idiv' ? 'Math.trunc' : `Math.${op}`}(${args.map((arg) => infix(arg, depth + 1)).join(op === 'idiv' ? ' / ' : ', ')})`;
  }
}

const inputText = (input: Input): string =>
  ['qLen', 'kvLen', 'qRow', 'kvRow'].includes(input) ? `info.${input}` : input;
