import type { Expression, Statement } from 'acorn';
import { constantOf, type Graph, type Node } from '../ir/expression-node.ts';
import { ordered } from '../ir/traversal.ts';
import { compileError, misread, type Place, refusal } from './compile-diagnostic.ts';
import type { Flow } from './flow.ts';
import type { FunctionNode, FunctionUnit, ParsedFunction, Source, Unit } from './mod-source.ts';
import { type Fault, isNode, type Scope, type Value } from './source-value.ts';
import type { Budget } from './translation-budget.ts';

/** What the attempts at one mod share. */
export interface Parsing {
  /** The public function that messages name. */
  readonly caller: string;
  readonly parsed: Map<FunctionUnit, ParsedFunction>;
  readonly budget: Budget;
}

/** The translation of one mod: where it stands in the source, and what is known there. */
export interface Context extends Parsing {
  readonly graph: Graph;
  source: Source;
  scope: Scope;
  flow: Flow;
  facts: Facts | undefined;
  /** The functions that are being inlined, outermost first. */
  readonly stack: FunctionNode[];
  /** Where numbers that may have a fraction first stood in the source. */
  readonly origins: WeakMap<Node, { readonly source: Source; readonly at: Place }>;
  /** Loop turns left. */
  turns: number;
  /** What the parts of compositions gave, by the arguments that they share. */
  readonly combined: WeakMap<readonly Value[], Map<Unit, Node>>;

  // The mutual recursion of the language, tied together in translate.ts.
  evaluate(node: Expression): Value;
  /** Whether it is true, where that is all that is asked. */
  truth(node: Expression): Node;
  execute(statements: readonly Statement[]): void;
  call(callee: Value, args: readonly Value[], at: Place): Value;
}

/** @throws CompileError always: constructs of that type, or with that operator, are not part of the language */
export function refuseConstruct(cx: Context, at: Place, type: string): never {
  return refuse(cx, at, ...refusal(type));
}

/** @throws CompileError always: the fault may be that the mod is of the other kind */
export function refuseReading(cx: Context, at: Place, rule: string, remedy: string): never {
  throw misread(compileError(cx.caller, cx.source, at, rule, remedy));
}

/** @throws CompileError always: what is wrong with a value that is used there */
export function refuseFault(cx: Context, at: Place, { rule, remedy, from }: Fault): never {
  throw compileError(cx.caller, from?.source ?? cx.source, from?.at ?? at, rule, remedy);
}

/** @throws CompileError always: the construct at that place is not part of the language */
export function refuse(cx: Context, at: Place, rule: string, remedy: string): never {
  throw compileError(cx.caller, cx.source, at, rule, remedy);
}

/** Conditions whose outcome is known at one point of the source, since branches on them led there. */
interface Facts {
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
