import type { Graph, Input, LeafOp, ModInput, Node, Op, Slot, Type } from './expression-node.ts';
import { createGraph } from './graph.ts';
import { ordered } from './traversal.ts';

/**
 * One operation: `[op, ...indices of arguments]`, `['const', type, value]`, `['input', name]`, or
 * `['capture', index, ...indices of arguments]`. Numbers that JSON cannot hold (−0, ±Infinity) are strings.
 */
export type Row = readonly (string | number | boolean)[];

/** Returns the operations of a graph, arguments before their users, the root last; captures are indices into `slots`. */
export function encodeGraph(root: Node, slots: readonly Slot[]): Row[] {
  const nodes = ordered([root]);
  const places = new Map(nodes.map((node, i) => [node, i]));
  return nodes.map(({ op, type, args, data }) => {
    const indices = args.map((arg) => places.get(arg)!);
    if (op === 'const') return [op, type, numberText(data as number | boolean)];
    if (op === 'input') return [op, data as string];
    const slot = slots.findIndex((known) => known === data);
    return slot < 0 ? [op, ...indices] : ['capture', slot, ...indices];
  });
}

function numberText(value: number | boolean): string | number | boolean {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'boolean' || Number.isFinite(value) ? value : String(value);
}

const inputTypes: { readonly [I in ModInput]: Type } = {
  score: 'f32',
  b: 'i32',
  h: 'i32',
  q: 'i32',
  kv: 'i32',
  qLen: 'i32',
  kvLen: 'i32',
  qRow: 'i32',
  kvRow: 'i32',
};

/** The argument types that an operation accepts: alternatives separated by spaces, the types of one alternative by commas. */
const signatures: {
  readonly [O in Exclude<Op, LeafOp | 'read' | 'range' | 'low' | 'high'>]: string;
} = {
  ...all('i32 f32', 'neg', 'abs', 'sign'),
  ...all('i32,i32 f32,f32', 'add', 'sub', 'mul', 'mod', 'min', 'max', 'lt', 'le'),
  ...all('i32,i32 f32,f32 bool,bool', 'eq', 'ne'),
  ...all(
    'f32',
    'floor',
    'ceil',
    'trunc',
    'sqrt',
    'exp',
    'exp2',
    'log',
    'log2',
    'sin',
    'cos',
    'tan',
  ),
  ...all('f32', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'toI32'),
  ...all('f32,f32', 'div', 'pow', 'atan2'),
  ...all('i32', 'bitnot', 'clz', 'toF32'),
  ...all('i32,i32', 'idiv', 'floordiv', 'bitand', 'bitor', 'bitxor', 'shl', 'shr', 'ushr'),
  ...all('bool', 'not'),
  ...all('bool,bool', 'and', 'or'),
  select: 'bool,i32,i32 bool,f32,f32 bool,bool,bool',
};

function all<O extends Op>(signature: string, ...ops: readonly O[]): { [K in O]: string } {
  return Object.fromEntries(ops.map((op) => [op, signature])) as { [K in O]: string };
}

/**
 * Decodes rows in the format of {@link encodeGraph}, which may come from anywhere. Returns undefined where a row is malformed.
 */
export function decodeGraph(rows: readonly unknown[], slots: readonly Slot[]): Node | undefined {
  const graph = createGraph();
  const nodes: Node[] = [];
  for (const row of rows) {
    const node = Array.isArray(row) ? decodeRow(graph, row, nodes, slots) : undefined;
    if (!node) return undefined;
    nodes.push(node);
  }
  return nodes.at(-1);
}

function decodeRow(
  graph: Graph,
  [op, ...rest]: readonly unknown[],
  nodes: readonly Node[],
  slots: readonly Slot[],
): Node | undefined {
  if (op === 'const') return constant(graph, rest);
  if (op === 'input') {
    const isKnown = rest.length === 1 && Object.hasOwn(inputTypes, rest[0] as string);
    return isKnown ? graph.input(rest[0] as Input) : undefined;
  }
  const slot = op === 'capture' ? slots[rest.shift() as number] : undefined;
  const args = rest.map((index) => nodes[index as number]!);
  if (!args.every(Boolean) || args.some((_, i) => !Number.isInteger(rest[i]))) return undefined;
  const types = args.map(({ type }) => type).join();
  if (slot) {
    if (slot.kind === 'scalar') return types === '' ? graph.param(slot) : undefined;
    const isWhole = types === Array.from({ length: slot.rank }, () => 'i32').join();
    return isWhole ? graph.read(slot, args) : undefined;
  }
  if (typeof op !== 'string' || !Object.hasOwn(signatures, op)) return undefined;
  const known = op as keyof typeof signatures;
  if (!signatures[known].split(' ').includes(types)) return undefined;
  if (!isShiftSound(known, args)) return undefined;
  return graph.adopt({ op: known, type: resultType(known, args) }, args, undefined);
}

function constant(graph: Graph, [type, value, ...rest]: readonly unknown[]): Node | undefined {
  if (rest.length > 0) return undefined;
  if (type === 'bool') return typeof value === 'boolean' ? graph.bool(value) : undefined;
  const isText = ['-0', 'Infinity', '-Infinity'].includes(value as string);
  if (typeof value !== 'number' && !isText) return undefined;
  const number = Number(value);
  if (type === 'f32') return Number.isNaN(number) ? undefined : graph.f32(number);
  return type === 'i32' && number === (number | 0) ? graph.i32(number | 0) : undefined;
}

/** A constant shift count is 0 … 31; the count of `>>>` is constant and not 0. */
function isShiftSound(op: Op, [, count]: readonly Node[]): boolean {
  if (op !== 'shl' && op !== 'shr' && op !== 'ushr') return true;
  if (count!.op !== 'const') return op !== 'ushr';
  const by = count!.data as number;
  return by >= (op === 'ushr' ? 1 : 0) && by < 32;
}

const conditions: readonly Op[] = ['lt', 'le', 'eq', 'ne', 'and', 'or', 'not'];

function resultType(op: Op, args: readonly Node[]): Type {
  if (op === 'toF32') return 'f32';
  if (op === 'toI32') return 'i32';
  return conditions.includes(op) ? 'bool' : args.at(-1)!.type;
}
