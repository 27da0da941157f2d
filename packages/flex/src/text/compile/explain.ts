import { Bounds } from '../backends/bounds/bounds.ts';
import type { Verdict } from '../backends/bounds/interval.ts';
import type { TableDerivative } from '../backends/derivative.ts';
import { twin } from '../backends/twin.ts';
import type { CompiledMaskHook, CompiledScoreHook } from '../backends/wgsl/wgsl-hooks.ts';
import {
  elementType,
  isConstant,
  type Node,
  type Slot,
  type TableSlot,
} from '../ir/expression-node.ts';
import { infix, printGraph } from '../ir/print-graph.ts';
import { inputsOf, ordered } from '../ir/traversal.ts';
import { type CompiledMod, toDerivative } from './compiled-mod.ts';
import type { Resolution } from './resolve.ts';

/**
 * Describes a compiled mod: its kind, its captures with their types, how the gradient of each is summed and why, or whether a
 * mask prunes and what prevents it, the graph, and the WGSL.
 */
export function explainMod(
  mod: CompiledMod,
  hook: CompiledScoreHook | CompiledMaskHook,
  { scalars }: Resolution,
): string {
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  const captures = slots.map((slot) => `${slot.name}: ${slotType(slot)}`);
  const gradients = hook.kind === 'score' ? explainGradients(mod, hook) : [];
  const values = mod.scalars.map(({ capture }) => scalars[capture]!);
  const pruning = hook.kind === 'mask' ? explainPruning(mod, values) : [];
  return [
    `${mod.kind} mod ${mod.hash}`,
    ...section('captures', captures),
    ...section('gradients', gradients),
    ...section('prunes', pruning),
    ...section('graph', printGraph(mod.root, ({ name }) => name).split('\n')),
    ...section('wgsl', hook.wgsl.split('\n')),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? ['', title, ...lines.map((line) => (line === '' ? '' : `  ${line}`))] : [];

function slotType(slot: Slot): string {
  return slot.kind === 'scalar' ? slot.type : `${slot.dtype} table of rank ${slot.rank}`;
}

/** Describes how the gradient of each capture of a score mod is summed, and why. */
function explainGradients(mod: CompiledMod, { gradient }: CompiledScoreHook): string[] {
  const { tables } = toDerivative(mod);
  const reads = tables.map((table, i) => ({ ...table, isPerRow: gradient.reads[i]!.isPerRow }));
  const slots: readonly Slot[] = [...mod.scalars, ...mod.tables];
  return slots.flatMap((slot) => {
    const own = reads.filter((read) => read.slot === slot);
    const lines = own.length > 0 ? own.map(sumOf) : [absence(slot)];
    return lines.map((line) => `${slot.name}: ${line}`);
  });
}

interface Read extends TableDerivative {
  readonly isPerRow: boolean;
}

function sumOf({ indices, isPerRow }: Read): string {
  const inputs = [...inputsOf(...indices)].toSorted().join(', ');
  if (!isPerRow)
    return `added score by score, in 64-bit fixed point: its index depends on ${inputs}`;
  const why = inputs === '' ? 'its index is fixed' : `its index depends on ${inputs} alone`;
  return `summed along a query row, then added in 64-bit fixed point: ${why}, so all keys of a row share an element`;
}

function absence(slot: Slot): string {
  if (slot.kind === 'scalar') {
    return slot.type === 'f32'
      ? 'none, it is a number; a tensor of shape [] has a gradient'
      : `none, it is ${slot.type}`;
  }
  return tableAbsence(slot);
}

function tableAbsence(slot: TableSlot): string {
  return elementType(slot) === 'i32'
    ? 'none, its elements are integers'
    : 'none, the derivative with respect to its elements is 0 everywhere';
}

const LENGTH = 1024;
const BLOCK = 128;
const starts = Array.from({ length: LENGTH / BLOCK }, (_, i) => i * BLOCK);

const example = { b: 0, hFirst: 0, hLast: 0, qLen: LENGTH, kvLen: LENGTH };

const spans = starts.flatMap((qFirst) =>
  starts.map((kvFirst) => {
    const last = { qLast: qFirst + BLOCK - 1, kvLast: kvFirst + BLOCK - 1 };
    return { ...example, qFirst, kvFirst, ...last };
  }),
);

/** Conditions over the block's span, tried on the blocks of an example. */
type Try = (conditions: readonly Node[]) => readonly (readonly unknown[])[];

/**
 * Describes whether a mask prunes, and which conditions bounds cannot decide, with the first number in each of which nothing is
 * known in any block.
 * @param scalars the captured numbers, by their index in the mod
 */
function explainPruning(
  { graph, root }: Pick<CompiledMod, 'graph' | 'root'>,
  scalars: readonly (number | boolean)[],
): string[] {
  const bounds = new Bounds(graph);
  bounds.find(root);
  const attempt: Try = (conditions) => {
    const run = twin(conditions);
    return spans.map((inputs) => run({ inputs, scalars, tables: [] }));
  };
  const unknown = ordered([root])
    .filter((node) => isComparison(node) && varies(node))
    .filter((node) => !mayTell(bounds.verdict(node), attempt));
  return [
    verdictLine(bounds.verdict(root), attempt),
    ...unknown.map((node) => unknownLine(node, bounds, attempt)),
  ];
}

const isComparison = ({ type, args }: Node): boolean =>
  type === 'bool' && args.length === 2 && args[0]!.type !== 'bool';

/** Whether its value may differ between pairs of a block. */
function varies(node: Node): boolean {
  const inputs = inputsOf(node);
  return (['h', 'q', 'kv', 'qRow', 'kvRow'] as const).some((input) => inputs.has(input));
}

/** The tables that conditions read. Their contents are not known here. */
const tablesOf = (...nodes: readonly Node[]): string[] => [
  ...new Set(
    ordered(nodes).flatMap(({ op, data }) => {
      if (op === 'read') return [(data as Slot).name];
      return op === 'range' ? [(data as { readonly slot: Slot }).slot.name] : [];
    }),
  ),
];

const isNever = (node: Node): boolean => isConstant(node, false);

function mayTell({ all, none }: Verdict, attempt: Try): boolean {
  if (isNever(all) && isNever(none)) return false;
  return tablesOf(all, none).length > 0 || attempt([all, none]).some(([a, n]) => a || n);
}

function verdictLine({ all, none }: Verdict, attempt: Try): string {
  const nothing = 'no: bounds find no block that is empty or full';
  if (isNever(all) && isNever(none)) return nothing;
  const tables = tablesOf(all, none);
  if (tables.length > 0) return `by the least and the largest elements of ${tables.join(', ')}`;
  const found = attempt([all, none]);
  const full = found.filter(([a]) => a).length;
  const empty = found.filter(([, n]) => n).length;
  if (full + empty === 0) return nothing;
  return `yes: of ${spans.length} blocks of ${BLOCK} × ${BLOCK}, ${empty} are known to be empty and ${full} to be full`;
}

function unknownLine(condition: Node, bounds: Bounds, attempt: Try): string {
  const isUnknown = (node: Node): boolean => {
    if (node.type === 'bool') return false;
    const { known } = bounds.interval(node);
    if (isNever(known)) return true;
    return tablesOf(known).length === 0 && attempt([known]).every(([is]) => !is);
  };
  const cause = ordered([condition]).find(isUnknown);
  const why = cause ? `nothing is known of ${infix(cause)}` : 'both may be in every block';
  return `unknown: ${infix(condition)}, since ${why}`;
}
