import type { Expression, Statement } from 'acorn';
import { constantOf, type Graph, type Node } from '../ir/expression-node.ts';
import { ordered } from '../ir/traversal.ts';
import { compileError, misread, type Place, refusal } from './compile-diagnostic.ts';
import type { Flow } from './flow.ts';
import type { FunctionNode, FunctionUnit, ParsedFunction, Source, Unit } from './mod-source.ts';
import { type Fault, isNode, type Scope, type Value } from './source-value.ts';
import type { Budget } from './translation-budget.ts';

/** State that the two attempts at one mod, as a mask and as a score mod, share. */
export interface Parsing {
  /** The public function that error messages name. */
  readonly caller: string;
  readonly parsed: Map<FunctionUnit, ParsedFunction>;
  readonly budget: Budget;
}

/** The translation of one mod: the current point of the source, and the facts known there. */
export interface Context extends Parsing {
  readonly graph: Graph;
  source: Source;
  scope: Scope;
  flow: Flow;
  facts: Facts | undefined;
  /** The functions that are being inlined, outermost first. */
  readonly stack: FunctionNode[];
  /** The ranges of the source in which numbers that may have a fraction first occur. */
  readonly origins: WeakMap<Node, { readonly source: Source; readonly at: Place }>;
  /** The number of loop turns left. */
  turns: number;
  /** The results of the parts of compositions, by their shared arguments. */
  readonly combined: WeakMap<readonly Value[], Map<Unit, Node>>;

  // The mutual recursion of expressions, statements and calls; translate.ts connects them.
  evaluate(node: Expression): Value;
  /** Evaluates an expression as a condition. */
  truth(node: Expression): Node;
  execute(statements: readonly Statement[]): void;
  call(callee: Value, args: readonly Value[], at: Place): Value;
}

/** @throws CompileError always: constructs of this type, or with this operator, are not in the language */
export function refuseConstruct(cx: Context, at: Place, type: string): never {
  return refuse(cx, at, ...refusal(type));
}

/** @throws CompileError always, marked as possibly caused by reading the mod as the other kind */
export function refuseReading(cx: Context, at: Place, rule: string, remedy: string): never {
  throw misread(compileError(cx.caller, cx.source, at, rule, remedy));
}

/** @throws CompileError always: the value used there cannot be used */
export function refuseFault(cx: Context, at: Place, { rule, remedy, from }: Fault): never {
  throw compileError(cx.caller, from?.source ?? cx.source, from?.at ?? at, rule, remedy);
}

/** @throws CompileError always: the construct there is not in the language */
export function refuse(cx: Context, at: Place, rule: string, remedy: string): never {
  throw compileError(cx.caller, cx.source, at, rule, remedy);
}

/** Conditions whose outcome is known at one point of the source, because branches on them lead there. */
interface Facts {
  /** The condition of a branch. */
  readonly condition: Node;
  readonly holds: boolean;
  readonly before: Facts | undefined;
}

const found = new WeakMap<Facts, ReadonlyMap<Node, boolean>>();

/** Returns the known outcome of each condition. Computed on first use: few branches need it. */
function outcomesOf(facts: Facts, budget: Budget): ReadonlyMap<Node, boolean> {
  const known = found.get(facts);
  if (known) return known;
  const all = new Map<Node, boolean>();
  for (let fact: Facts | undefined = facts; fact; fact = fact.before) addTo(all, fact);
  budget.copy(all.size);
  found.set(facts, all);
  return all;
}

/**
 * Adds the outcome of a condition and of its parts: if an `and` holds, so do its operands; if an `or` does not, neither do its
 * operands. Entries that exist come from later branches and stay.
 */
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

/** Narrows a value by the facts: a choice becomes the value of the path taken, if that is known. */
export function narrow(facts: Facts | undefined, budget: Budget, value: Value): Value {
  if (isNode(value)) return narrowSelect(facts, value);
  if (value.kind !== 'choice') return value;
  const holds = outcome(facts && outcomesOf(facts, budget), budget, value.condition);
  return holds === undefined ? value : narrow(facts, budget, holds ? value.a : value.b);
}

/**
 * Narrows a `select` by the conditions of the last two branches. Older branches are not searched: the code would only become
 * shorter, not different.
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
