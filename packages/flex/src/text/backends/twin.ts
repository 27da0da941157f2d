import { ValidationError } from '@heed/core';
import { fromHalf, isHalf, toHalf } from '@heed/core/kernel';
import { evaluate, finite } from '../ir/evaluate-operation.ts';
import type { BinaryOp, Input, Node, ScalarSlot, TableSlot } from '../ir/expression-node.ts';
import { ordered } from '../ir/traversal.ts';

/** The values for one run of a twin: inputs by name, captured values by slot index. */
export interface TwinValues {
  readonly inputs: { readonly [I in Input]?: number };
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly (NestedArray | number)[];
}

type Value = number | boolean;

/** Runs one operation on the values of its arguments. */
export type Step = (args: readonly Value[], given: TwinValues) => Value;

/**
 * Returns a JavaScript function that computes the roots with the semantics of the GPU: f32 results are rounded, integers wrap,
 * table indices clamp. It is made of closures, so no text is ever evaluated.
 *
 * @param stepOf returns how a node is run; the default runs every node of a mod
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

/** A table on the CPU. */
export interface NestedArray {
  readonly length: number;
  readonly [i: number]: number | NestedArray;
}

/** Reads the element at the indices, which clamp, as the GPU reads it from a tensor of the slot's dtype. */
export function readTable(
  slot: TableSlot,
  table: NestedArray | number,
  indices: readonly number[],
): number {
  let at: number | NestedArray = table;
  for (const index of indices) {
    if (typeof at !== 'object') break;
    at = at[Math.min(Math.max(index, 0), at.length - 1)]!;
  }
  if (typeof at === 'number') return elementOf(slot, at);
  throw new ValidationError(
    `compileMod: on the CPU a captured tensor is a nested array of ${slot.rank} dimensions; got another for ${slot.name}. Pass captures: { ${slot.name}: [...] }.`,
  );
}

function elementOf({ dtype }: TableSlot, value: number): number {
  if (dtype === 'i32' || dtype === 'u32') return value | 0;
  const element = isHalf(dtype) ? fromHalf(toHalf(value, dtype), dtype) : Math.fround(value);
  return finite(Number.isNaN(element) ? -Infinity : element);
}
