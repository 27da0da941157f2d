import type { ForStatement } from 'acorn';
import { whereNotLeft } from './branch.ts';
import { type Context, refuse } from './context.ts';
import { runForEffects } from './effects.ts';
import { Scope } from './scope.ts';

/** How many loop turns one mod may have: each becomes code, and compile time grows faster than code. */
export const MAX_TURNS = 256;

/** `for` is unrolled; its condition, or an exit in its body, must be known to end it at some turn. */
export function executeFor(cx: Context, node: ForStatement): void {
  const outer = cx.scope;
  cx.scope = new Scope(outer, false);
  const { init } = node;
  if (init?.type === 'VariableDeclaration') cx.execute([init]);
  else if (init) runForEffects(cx, init);
  turns(cx, node);
  cx.flow.broken = cx.graph.bool(false);
  cx.scope = outer;
}

/** The turn that comes next, and all after it. */
function turns(cx: Context, node: ForStatement): void {
  const { graph } = cx;
  const { test, update, body } = node;
  const goesOn = test ? cx.truth(test) : graph.bool(true);
  if (goesOn.data === false) return;
  if (cx.turns-- === 0) refuseTurns(cx, node, goesOn.op === 'const');
  // A condition that is only known on the GPU is a break: `i < 8 && i < c.n` may end a loop early.
  cx.flow.broken = graph.not(goesOn);
  whereNotLeft(cx, () => {
    cx.execute([body]);
    cx.flow.continued = graph.bool(false);
    whereNotLeft(cx, () => {
      // Closures keep the variables of the turn that they were made in.
      const { vars } = cx.flow;
      cx.scope = cx.scope.renewed((from, to) => vars.set(to, vars.get(from)!));
      if (update) runForEffects(cx, update);
      turns(cx, node);
    });
  });
}

function refuseTurns(cx: Context, { test, ...node }: ForStatement, isKnown: boolean): never {
  if (test && !isKnown) {
    const rule =
      'a loop needs constant bounds, and this condition depends on the pair or on captures';
    const remedy =
      'Loop to a constant, and leave early: for (let i = 0; i < 8; i++) { if (i >= c.n) break; … }.';
    refuse(cx, test, rule, remedy);
  }
  const rule = `the loops of this mod take more than ${MAX_TURNS} turns`;
  refuse(cx, node, rule, 'Use fewer, or compute the sum beforehand and pass it as a tensor.');
}
