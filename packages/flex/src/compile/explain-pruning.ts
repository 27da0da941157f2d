import { Bounds } from '../backends/bounds/bounds.ts';
import type { Verdict } from '../backends/bounds/interval.ts';
import { twin } from '../backends/js/twin.ts';
import { inputsOf } from '../ir/depends.ts';
import { infix } from '../ir/infix.ts';
import { isConstant, type Node } from '../ir/node.ts';
import { ordered } from '../ir/order.ts';
import type { Slot } from '../ir/slot.ts';
import type { CompiledMod } from './compiled.ts';

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
 * Whether a mask prunes, and what it is that bounds cannot tell: a condition, and the first number in it of which nothing is
 * known in any block.
 * @param scalars the captured numbers, by their place in the mod
 */
export function explainPruning(
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

/** Whether two pairs of a block may differ in it. */
function varies(node: Node): boolean {
  const inputs = inputsOf(node);
  return (['h', 'q', 'kv', 'qRow', 'kvRow'] as const).some((input) => inputs.has(input));
}

/** The tables that are read for conditions. What is in them is not known here. */
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
  const nothing = 'no: bounds can tell of no block that it is empty or full';
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
