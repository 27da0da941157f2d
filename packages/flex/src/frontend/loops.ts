import type { ForStatement } from 'acorn';
import { type Context, refuse } from './context.ts';
import { forkFlow, leftWhen, rejoinFlows } from './flow.ts';
import { truthOf } from './operands.ts';
import { Scope } from './scope.ts';

/** How many loop turns one mod may have: each becomes code, and compile time grows faster than code. */
export const MAX_TURNS = 256;

/** `for` is unrolled; its condition must be known at every turn. */
export function executeFor(cx: Context, node: ForStatement): void {
  const outer = cx.scope;
  cx.scope = new Scope(outer, false);
  const { init } = node;
  if (init?.type === 'VariableDeclaration') cx.execute([init]);
  else if (init) cx.evaluate(init);
  turns(cx, node);
  cx.flow.broken = cx.graph.bool(false);
  cx.scope = outer;
}

function turns(cx: Context, node: ForStatement): void {
  const { graph } = cx;
  while (goesOn(cx, node)) {
    if (cx.turns-- === 0) {
      const rule = `the loops of this mod take more than ${MAX_TURNS} turns`;
      refuse(cx, node, rule, 'Use fewer, or compute the sum beforehand and pass it as a tensor.');
    }
    cx.execute([node.body]);
    cx.flow.continued = graph.bool(false);
    const left = leftWhen(graph, cx.flow);
    if (left.data === true) return;
    const before = cx.flow;
    if (left.data !== false) cx.flow = forkFlow(graph, before);
    // Closures keep the variables of the turn that they were made in.
    const { vars } = cx.flow;
    cx.scope = cx.scope.renewed((from, to) => vars.set(to, vars.get(from)!));
    if (node.update) cx.evaluate(node.update);
    if (left.data === false) continue;
    // What comes after a partial exit runs on a flow of its own, where the loop variable stays a constant.
    turns(cx, node);
    cx.flow = rejoinFlows(graph, left, before, cx.flow);
    return;
  }
}

function goesOn(cx: Context, { test, ...node }: ForStatement): boolean {
  if (!test) return true;
  const condition = truthOf(cx, cx.evaluate(test), test);
  if (condition.op !== 'const') {
    const rule =
      'a loop needs constant bounds, and this condition depends on the pair or on captures';
    refuse(
      cx,
      test ?? node,
      rule,
      'Loop to a constant, and leave early: for (let i = 0; i < 8; i++) { if (i >= c.n) break; … }.',
    );
  }
  return condition.data === true;
}
