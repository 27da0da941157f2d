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
 * The state of a run at one point of the source, for all pairs at once: what each variable holds, and under which
 * conditions the run has left the way through the code. A branch is taken both ways, and the two flows are merged.
 */
export interface Flow {
  vars: Variables;
  returned: Node;
  broken: Node;
  continued: Node;
  /** How the function was left, where `returned` holds. */
  exit: Exit | undefined;
}

/** What was returned, and what the variables held then: those of a closure's surroundings outlive it. */
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

/** A copy that is still on its way. */
export function forkFlow({ graph, budget }: Forking, flow: Flow): Flow {
  budget.copy(flow.vars.size);
  return startFlow(graph, new Map(flow.vars));
}

/** Where the run has left the list of statements. */
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

/** `before` where it has left, and elsewhere `after`, which went on from it. */
export function rejoinFlows(graph: Graph, left: Node, before: Flow, after: Flow): Flow {
  const still = graph.not(left);
  const either = (x: Node, y: Node): Node => graph.or(x, graph.and(still, y));
  // The variables of a run that has returned are those of its exit.
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

/** The variables where a function is left, at a return or at its end. */
export function variablesAfter(graph: Graph, { returned, exit, vars }: Flow): Variables {
  return exit ? mergeVariables(graph, returned, exit.vars, vars) : vars;
}

/** `a` where the condition holds, else `b`: a node where one type serves both. */
export function choose(graph: Graph, condition: Node, a: Value, b: Value): Value {
  if (a === b || condition.data === true) return a;
  if (condition.data === false) return b;
  const isOneType = isNode(a) && isNode(b) && (a.type === 'bool') === (b.type === 'bool');
  return isOneType ? select(graph, condition, a, b) : mixed(graph, condition, a, b);
}

/** Of two numbers or two booleans; an integer that meets a float becomes one. */
function select(graph: Graph, condition: Node, a: Node, b: Node): Node {
  const isFloat = a.type !== b.type || a.type === 'f32';
  return isFloat
    ? graph.select(condition, asF32(graph, a), asF32(graph, b))
    : graph.select(condition, a, b);
}

/** What is chosen among is used on each path by itself; more than this is not worth the code. */
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
