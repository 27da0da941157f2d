import { constantOf, type Node } from '../ir/node.ts';
import { ordered } from '../ir/order.ts';
import type { Budget } from './budget.ts';
import { isNode, type Value } from './value.ts';

/** Conditions whose outcome is known at one point of the source, since branches on them led there. */
export interface Facts {
  /** What a branch tested. */
  readonly condition: Node;
  readonly holds: boolean;
  readonly before: Facts | undefined;
}

const found = new WeakMap<Facts, ReadonlyMap<Node, boolean>>();

/** What is known of each condition; found when it is first asked for, which few branches do. */
function outcomesOf(facts: Facts, budget: Budget): ReadonlyMap<Node, boolean> {
  const known = found.get(facts);
  if (known) return known;
  const all = new Map<Node, boolean>();
  for (let fact: Facts | undefined = facts; fact; fact = fact.before) addTo(all, fact);
  budget.copy(all.size);
  found.set(facts, all);
  return all;
}

/** What holds in an `and`, and what does not in an `or`, is known too. What is in there already was learnt later. */
function addTo(all: Map<Node, boolean>, { condition, holds: isTrue }: Facts): void {
  const open: [Node, boolean][] = [[condition, isTrue]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [{ op, args }, holds] = next;
    if (all.has(next[0])) continue;
    all.set(...next);
    if (op === 'not') open.push([args[0]!, !holds]);
    else if (op === (holds ? 'and' : 'or')) open.push([args[0]!, holds], [args[1]!, holds]);
  }
}

/** What a value is where these facts hold: of a choice the side that led here, if that is known. */
export function narrow(facts: Facts | undefined, budget: Budget, value: Value): Value {
  if (isNode(value)) return narrowSelect(facts, value);
  if (value.kind !== 'choice') return value;
  const holds = outcome(facts && outcomesOf(facts, budget), budget, value.condition);
  return holds === undefined ? value : narrow(facts, budget, holds ? value.a : value.b);
}

/**
 * A node that was chosen by the very condition of the last branches needs no choice. Further back nothing is looked for:
 * it would only be shorter.
 */
function narrowSelect(facts: Facts | undefined, node: Node): Node {
  if (!facts || node.op !== 'select') return node;
  const [condition, a, b] = node.args as unknown as readonly [Node, Node, Node];
  for (const { condition: tested, holds } of [facts, facts.before ?? facts]) {
    if (tested === condition) return narrowSelect(facts, holds ? a : b);
    if (tested === node.graph.not(condition)) return narrowSelect(facts, holds ? b : a);
  }
  return node;
}

const connectives: ReadonlySet<string> = new Set(['and', 'or', 'not']);

function outcome(
  known: ReadonlyMap<Node, boolean> = new Map(),
  budget: Budget,
  condition: Node,
): boolean | undefined {
  const outcomes = new Map<Node, boolean | undefined>();
  const parts = ordered([condition], (node) => known.has(node) || !connectives.has(node.op));
  budget.copy(parts.length);
  for (const node of parts) {
    const [a, b] = node.args.map((arg) => outcomes.get(arg));
    outcomes.set(node, known.get(node) ?? combined(node, a, b));
  }
  return outcomes.get(condition);
}

function combined(node: Node, a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  switch (node.op) {
    case 'not':
      return a === undefined ? undefined : !a;
    case 'and':
      return a === false || b === false ? false : a && b;
    case 'or':
      return a === true || b === true ? true : a === false ? b : undefined;
    default:
      return constantOf(node) as boolean | undefined;
  }
}
