import type { Graph, Node } from '../ir/expression-node.ts';
import { asF32, asNumber } from './js-number.ts';
import {
  type ChoiceValue,
  describe,
  faultOf,
  isNode,
  type UnusableValue,
  type Value,
  type Variable,
  type Variables,
} from './source-value.ts';
import type { Budget } from './translation-budget.ts';

/**
 * The state of the translation at one point of the source, for all pairs at once: the value of each variable, and the
 * conditions under which a path has returned, broken or continued. A branch is taken both ways, and the two flows are merged.
 */
export interface Flow {
  vars: Variables;
  returned: Node;
  broken: Node;
  continued: Node;
  /** The result of the function where `returned` holds. */
  exit: Exit | undefined;
}

/** A returned value with the variables at that point: variables around a closure outlive its call. */
interface Exit {
  readonly value: Value;
  readonly vars: Variables;
}

export function startFlow(graph: Graph, vars: Variables): Flow {
  const no = graph.bool(false);
  return { vars, returned: no, broken: no, continued: no, exit: undefined };
}

interface Forking {
  readonly graph: Graph;
  readonly budget: Budget;
}

/** Copies a flow, with no path left yet. */
export function forkFlow({ graph, budget }: Forking, flow: Flow): Flow {
  budget.copy(flow.vars.size);
  return startFlow(graph, new Map(flow.vars));
}

/** Returns the condition under which a path has left the list of statements. */
export function leftWhen(graph: Graph, { returned, broken, continued }: Flow): Node {
  return graph.or(returned, broken, continued);
}

/** `a` where the condition holds, `b` elsewhere. */
export function mergeFlows(graph: Graph, condition: Node, a: Flow, b: Flow): Flow {
  const pick = (x: Node, y: Node): Node => graph.select(condition, x, y);
  return {
    vars: mergeBranches(graph, condition, a, b),
    returned: pick(a.returned, b.returned),
    broken: pick(a.broken, b.broken),
    continued: pick(a.continued, b.continued),
    exit: mergeExits(graph, condition, a.exit, b.exit),
  };
}

/** Merges two flows: `before` where it had left already, and elsewhere `after`, which continued from it. */
export function rejoinFlows(graph: Graph, left: Node, before: Flow, after: Flow): Flow {
  const still = graph.not(left);
  const either = (x: Node, y: Node): Node => graph.or(x, graph.and(still, y));
  // Where a path has returned, the exit holds its variables.
  const onlyReturns = graph.or(before.broken, before.continued).data === false;
  return {
    vars: onlyReturns ? after.vars : mergeVariables(graph, left, before.vars, after.vars),
    returned: either(before.returned, after.returned),
    broken: either(before.broken, after.broken),
    continued: either(before.continued, after.continued),
    exit: mergeExits(graph, left, before.exit, after.exit),
  };
}

function mergeBranches(graph: Graph, condition: Node, a: Flow, b: Flow): Variables {
  if (a.returned.data === true) return b.vars;
  return b.returned.data === true ? a.vars : mergeVariables(graph, condition, a.vars, b.vars);
}

function mergeVariables(graph: Graph, condition: Node, a: Variables, b: Variables): Variables {
  if (condition.data === true) return a;
  const merged = new Map<Variable, Value>(b);
  for (const [variable, value] of a) {
    const other = b.get(variable);
    merged.set(variable, other === undefined ? value : choose(graph, condition, value, other));
  }
  return merged;
}

function mergeExits(graph: Graph, condition: Node, a?: Exit, b?: Exit): Exit | undefined {
  if (!a || !b) return a ?? b;
  const vars = mergeVariables(graph, condition, a.vars, b.vars);
  return { value: choose(graph, condition, a.value, b.value), vars };
}

/** Returns the variables at the exit of a function, by a return or at its end. */
export function variablesAfter(graph: Graph, { returned, exit, vars }: Flow): Variables {
  return exit ? mergeVariables(graph, returned, exit.vars, vars) : vars;
}

/** Returns `a` where the condition holds, else `b`: one node if both have the same type. */
export function choose(graph: Graph, condition: Node, a: Value, b: Value): Value {
  if (a === b || condition.data === true) return a;
  if (condition.data === false) return b;
  const isOneType = isNode(a) && isNode(b) && (a.type === 'bool') === (b.type === 'bool');
  return isOneType ? select(graph, condition, a, b) : mixed(graph, condition, a, b);
}

/** Selects between two numbers or two booleans; an integer beside a float becomes a float. */
function select(graph: Graph, condition: Node, a: Node, b: Node): Node {
  const isFloat = a.type !== b.type || a.type === 'f32';
  return isFloat
    ? graph.select(condition, asF32(graph, a), asF32(graph, b))
    : graph.select(condition, a, b);
}

/** The most values in one choice: code is generated for each of them. */
const MAX_CHOICES = 32;

function mixed(graph: Graph, condition: Node, a: Value, b: Value): ChoiceValue | UnusableValue {
  const rule = `the value is ${describe(a)} on one path and ${describe(b)} on another`;
  const remedy = 'Give it the same type on every path.';
  const why = faultOf(a) ?? faultOf(b) ?? { rule, remedy };
  const choices = choicesOf(a) + choicesOf(b);
  if (choices > MAX_CHOICES) return { kind: 'unusable', why };
  const [x, y] = [asNumber(graph, a), asNumber(graph, b)];
  const number = x && y && { number: select(graph, condition, x, y) };
  return { kind: 'choice', condition, a, b, choices, why, ...number };
}

const choicesOf = (value: Value): number => ('choices' in value ? value.choices : 1);
