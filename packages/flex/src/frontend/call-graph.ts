import type { Node } from '../ir/node.ts';
import { replay, transfer } from '../ir/replay.ts';
import { elementType, type ScalarSlot, type Slot, type TableSlot } from '../ir/slot.ts';
import { type Context, refuse, refuseFault } from './context.ts';
import type { Place } from './diagnostic.ts';
import { propertyOf } from './member.ts';
import { asF32 } from './number.ts';
import { numberOf } from './operands.ts';
import type { GraphUnit } from './unit.ts';
import { faultOf, isNode, UNDEFINED, type Value } from './value.ts';

/** The value of a precompiled mod: its operations, over arguments and the captures among them. */
export function callGraph(cx: Context, unit: GraphUnit, args: readonly Value[], at: Place): Node {
  const { graph } = cx;
  const indices = ['b', 'h', 'q', 'kv'] as const;
  const names = unit.of === 'score' ? (['score', ...indices] as const) : indices;
  const given = new Map<unknown, Node>(
    names.map((name, i) => [name, argument(cx, name, args[i] ?? UNDEFINED, at)]),
  );
  const captures = args[names.length] ?? UNDEFINED;
  const leafOf = (node: Node, indexNodes: readonly Node[]): Node => {
    if (node.op === 'input') return given.get(node.data) ?? graph.input(node.data as 'qLen');
    const slot = captured(cx, node.data as Slot, captures, at);
    return slot.kind === 'scalar' ? graph.param(slot) : graph.read(slot, indexNodes);
  };
  // Over the inputs themselves it is what it was, to the last bit of its hash.
  const isSame = names.every((name) => given.get(name) === graph.input(name));
  return (isSame ? transfer : replay)(graph, unit.root, leafOf);
}

function argument(cx: Context, name: string, value: Value, at: Place): Node {
  const node = numberOf(cx, value, at);
  if (name === 'score') return asF32(cx.graph, node);
  if (node.type === 'i32') return node;
  const rule = `${name} of a precompiled mod must be an integer`;
  return refuse(cx, at, rule, 'Round it: Math.floor(x) | 0.');
}

/** What a name of the precompiled mod stands for here. */
function captured(cx: Context, wanted: Slot, captures: Value, at: Place): ScalarSlot | TableSlot {
  const { name } = wanted;
  const value = propertyOf(cx, captures, name, at);
  const got = slotOf(value);
  if (!got) refuseFault(cx, at, faultOf(value) ?? mismatch(name, typeText(wanted), 'another'));
  if (wanted.kind === 'scalar' && got.kind === 'scalar') {
    if (got.type === wanted.type) return got;
    // A whole number is as good a float.
    if (got.type === 'i32' && wanted.type === 'f32') return { ...got, type: 'f32' };
  }
  if (wanted.kind === 'table' && got.kind === 'table') {
    if (elementType(got) === elementType(wanted) && got.rank === wanted.rank) return got;
  }
  return refuseFault(cx, at, mismatch(name, typeText(wanted), typeText(got)));
}

function slotOf(value: Value): Slot | undefined {
  if (!isNode(value)) return value.kind === 'table' ? value.slot : undefined;
  return value.op === 'param' || value.op === 'read' ? (value.data as Slot) : undefined;
}

const typeText = (slot: Slot): string =>
  slot.kind === 'scalar'
    ? slot.type
    : `a table of ${elementType(slot)} with ${slot.rank} dimensions`;

const mismatch = (name: string, wanted: string, got: string) => ({
  rule: `captures.${name} was compiled as ${wanted}; got ${got}`,
  remedy: 'Pass one like it, or precompile the mod with what it is to read.',
});
