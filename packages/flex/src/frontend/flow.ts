import type { Graph, Node } from '../ir/node.ts';
import type { Budget } from './budget.ts';
import { choose } from './choose.ts';
import type { Variable, Variables } from './scope.ts';
import type { Value } from './value.ts';

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
export interface Exit {
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
