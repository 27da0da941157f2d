import { evaluate } from '../../ir/evaluate.ts';
import { finite } from '../../ir/infinity.ts';
import {
  type BinaryOp,
  constantOf,
  type Input,
  type Node,
  type RangeOf,
  type UnaryOp,
} from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import type { ScalarSlot, TableSlot } from '../../ir/slot.ts';
import { type NestedArray, readTable, tableRange } from './table.ts';

/** What a twin is run on: inputs by name, captured values by slot index. */
export interface TwinValues {
  readonly inputs: { readonly [I in Input]?: number };
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly (NestedArray | number)[];
}

type Value = number | boolean | readonly [number, number];
type Step = (values: readonly Value[], given: TwinValues) => Value;

/**
 * The nodes as a JavaScript function that means what the GPU means: f32 results are rounded, integers wrap, table
 * indices clamp. Made of closures, so no text is ever evaluated. Gives the values of the roots.
 */
export function twin(roots: readonly Node[]): (given: TwinValues) => (number | boolean)[] {
  const nodes = ordered(roots);
  const places = new Map(nodes.map((node, i) => [node, i]));
  const place = (node: Node): number => places.get(node)!;
  const steps = nodes.map((node) => step(node, node.args.map(place)));
  const results = roots.map(place);
  return (given) => {
    const values: Value[] = [];
    for (const run of steps) values.push(run(values, given));
    return results.map((i) => values[i] as number | boolean);
  };
}

function step(node: Node, args: readonly number[]): Step {
  const { op, type, data } = node;
  const [a, b, c] = args as [number, number, number];
  switch (op) {
    case 'const': {
      const value = constantOf(node)!;
      return () => (typeof value === 'number' ? finite(value) : value);
    }
    case 'input':
      return (_, { inputs }) => convert(type, inputs[data as Input]!);
    case 'param':
      return (_, { scalars }) => convert(type, scalars[(data as ScalarSlot).index]!);
    case 'read': {
      const slot = data as TableSlot;
      return (values, { tables }) =>
        readTable(
          slot,
          tables[slot.index]!,
          args.map((i) => values[i] as number),
        );
    }
    case 'range': {
      const { slot, axis } = data as RangeOf;
      return (values, { tables }) => {
        const numbers = args.map((i) => values[i] as number);
        return tableRange(slot, axis, tables[slot.index]!, numbers.slice(0, -1), numbers.at(-1)!);
      };
    }
    case 'low':
      return (values) => (values[a] as [number, number])[0];
    case 'high':
      return (values) => (values[a] as [number, number])[1];
    case 'select':
      return (values) => values[values[a] === true ? b : c]!;
    default:
      return binary(op, type, a, b);
  }
}

function binary(op: UnaryOp | BinaryOp, type: Node['type'], a: number, b: number): Step {
  return (values) => evaluate(op, type, values[a] as number, values[b] as number);
}

function convert(type: Node['type'], value: number | boolean): number | boolean {
  if (type === 'bool') return Boolean(value);
  return type === 'i32' ? Number(value) | 0 : finite(Math.fround(Number(value)));
}
