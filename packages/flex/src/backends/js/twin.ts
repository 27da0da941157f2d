import { evaluate } from '../../ir/evaluate.ts';
import { finite } from '../../ir/infinity.ts';
import type { BinaryOp, Input, Node } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import type { ScalarSlot, TableSlot } from '../../ir/slot.ts';
import { type NestedArray, readTable } from './table.ts';

/** What a twin is run on: inputs by name, captured values by slot index. */
export interface TwinValues {
  readonly inputs: { readonly [I in Input]?: number };
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly (NestedArray | number)[];
}

type Value = number | boolean;

/** One operation, from the values of its arguments. */
export type Step = (args: readonly Value[], given: TwinValues) => Value;

/**
 * The nodes as a JavaScript function that means what the GPU means: f32 results are rounded, integers wrap, table
 * indices clamp. Made of closures, so no text is ever evaluated. Gives the values of the roots.
 *
 * @param stepOf how a node is run; the default knows all that a mod is made of
 */
export function twin(
  roots: readonly Node[],
  stepOf: (node: Node) => Step = modStep,
): (given: TwinValues) => Value[] {
  const nodes = ordered(roots);
  const steps = nodes.map((node) => ({ node, run: stepOf(node) }));
  return (given) => {
    const values = new Map<Node, Value>();
    const valueOf = (node: Node): Value => values.get(node)!;
    for (const { node, run } of steps) values.set(node, run(node.args.map(valueOf), given));
    return roots.map(valueOf);
  };
}

export function modStep({ op, type, data }: Node): Step {
  switch (op) {
    case 'const':
      return () => (typeof data === 'number' ? finite(data) : (data as boolean));
    case 'input':
      return (_, { inputs }) => convert(type, inputs[data as Input]!);
    case 'param':
      return (_, { scalars }) => convert(type, scalars[(data as ScalarSlot).index]!);
    case 'read': {
      const slot = data as TableSlot;
      return (indices, { tables }) =>
        readTable(slot, tables[slot.index]!, indices as readonly number[]);
    }
    case 'select':
      return ([condition, a, b]) => (condition === true ? a! : b!);
    default:
      return ([a, b]) => evaluate(op as BinaryOp, type, a!, b!);
  }
}

function convert(type: Node['type'], value: Value): Value {
  if (type === 'bool') return Boolean(value);
  return type === 'i32' ? Number(value) | 0 : finite(Math.fround(Number(value)));
}
