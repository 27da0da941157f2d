import type { ForStatement, IfStatement, Pattern, Statement, VariableDeclaration } from 'acorn';
import type { Node } from '../ir/expression-node.ts';
import { runAside, runForEffects, whereNotLeft } from './branch.ts';
import { type Flow, forkFlow, leftWhen, mergeFlows, rejoinFlows } from './flow.ts';
import { Scope, UNDEFINED, type Value } from './source-value.ts';
import { type Context, refuse, refuseConstruct } from './translation-context.ts';
import { bindPattern, valueFor } from './variables.ts';

/** Runs statements in order until every path has left. */
export function executeStatements(cx: Context, statements: readonly Statement[]): void {
  const { graph, facts } = cx;
  const exits: { readonly left: Node; readonly before: Flow }[] = [];
  for (const statement of statements) {
    cx.budget.enter();
    execute(cx, statement);
    cx.budget.leave();
    const left = leftWhen(graph, cx.flow);
    if (left.data === true) break;
    if (left.data === false) continue;
    // Like whereNotLeft, but without recursion: there may be thousands of exits.
    exits.push({ left, before: cx.flow });
    cx.flow = forkFlow(cx, cx.flow);
    cx.facts = { condition: left, holds: false, before: cx.facts };
  }
  for (const { left, before } of exits.toReversed()) {
    cx.flow = rejoinFlows(graph, left, before, cx.flow);
  }
  cx.facts = facts;
}

/** Declares every `var` of a function at its start. */
export function hoistVars(cx: Context, statements: readonly Statement[]): void {
  for (const name of varNames(statements)) {
    if (!cx.scope.own(name)) cx.flow.vars.set(cx.scope.declare(name, false), UNDEFINED);
  }
}

/** Declares the names of a block at its start. A function declaration may be called before its line. */
export function hoist(cx: Context, statements: readonly Statement[]): void {
  for (const [name, kind] of lexicalNames(statements)) cx.scope.declare(name, kind === 'const');
  for (const node of statements) {
    if (node.type !== 'FunctionDeclaration') continue;
    const variable = cx.scope.declare(node.id.name, true);
    const { source, scope } = cx;
    cx.flow.vars.set(variable, { kind: 'closure', node, source, scope });
  }
}

function execute(cx: Context, node: Statement): void {
  const { graph } = cx;
  switch (node.type) {
    case 'ExpressionStatement':
      // 'use strict' and its like.
      if (node.directive === undefined) runForEffects(cx, node.expression);
      return;
    case 'VariableDeclaration':
      return declareVariables(cx, node);
    case 'ReturnStatement': {
      const value = node.argument ? cx.evaluate(node.argument) : UNDEFINED;
      const exit = { value, vars: cx.flow.vars };
      cx.flow = { ...cx.flow, exit, returned: graph.bool(true) };
      return;
    }
    case 'IfStatement':
      return executeIf(cx, node);
    case 'BlockStatement':
      return executeBlock(cx, node.body);
    case 'ForStatement':
      return executeFor(cx, node);
    case 'BreakStatement':
    case 'ContinueStatement':
      if (node.label) refuseConstruct(cx, node, 'Labeled');
      cx.flow[node.type === 'BreakStatement' ? 'broken' : 'continued'] = graph.bool(true);
      return;
    case 'EmptyStatement':
    case 'DebuggerStatement':
    case 'FunctionDeclaration':
      return;
    default:
      return refuseConstruct(cx, node, node.type);
  }
}

function executeBlock(cx: Context, body: readonly Statement[]): void {
  const outer = cx.scope;
  cx.scope = new Scope(outer, false);
  hoist(cx, body);
  cx.execute(body);
  cx.scope = outer;
}

function executeIf(cx: Context, { test, consequent, alternate }: IfStatement): void {
  const { graph } = cx;
  const condition = cx.truth(test);
  if (condition.op === 'const') {
    const taken = condition.data === true ? consequent : alternate;
    if (taken) cx.execute([taken]);
    return;
  }
  const start = cx.flow;
  runAside(cx, condition, true, () => cx.execute([consequent]));
  const taken = cx.flow;
  cx.flow = start;
  runAside(cx, condition, false, () => cx.execute(alternate ? [alternate] : []));
  cx.flow = mergeFlows(graph, condition, taken, cx.flow);
}

function declareVariables(cx: Context, { kind, declarations }: VariableDeclaration): void {
  for (const { id, init } of declarations) {
    const value = init ? valueFor(cx, id, init) : UNDEFINED;
    bindPattern(cx, id, value, (name, bound) => declare(cx, kind, name, bound, !init));
  }
}

function declare(cx: Context, kind: string, name: string, value: Value, isBare: boolean): void {
  if (kind !== 'var') {
    const variable = cx.scope.own(name) ?? cx.scope.declare(name, kind === 'const');
    cx.flow.vars.set(variable, value);
    return;
  }
  // `var x;` does not change an existing variable.
  if (!isBare) cx.flow.vars.set(cx.scope.ofFunction.own(name)!, value);
}

/** The most loop turns of one mod: each becomes code, and compile time grows faster than code. */
export const MAX_TURNS = 256;

/** Unrolls a `for` loop. Its condition, or an exit in its body, must be known to end it at some turn. */
function executeFor(cx: Context, node: ForStatement): void {
  const outer = cx.scope;
  cx.scope = new Scope(outer, false);
  const { init } = node;
  if (init?.type === 'VariableDeclaration') cx.execute([init]);
  else if (init) runForEffects(cx, init);
  turns(cx, node);
  cx.flow.broken = cx.graph.bool(false);
  cx.scope = outer;
}

/** Runs the next turn of a loop and all turns after it. */
function turns(cx: Context, node: ForStatement): void {
  const { graph } = cx;
  const { test, update, body } = node;
  const goesOn = test ? cx.truth(test) : graph.bool(true);
  if (goesOn.data === false) return;
  if (cx.turns-- === 0) refuseTurns(cx, node, goesOn.op === 'const');
  // A condition that only the GPU can evaluate is a break: `i < 8 && i < c.n` may end a loop early.
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

type Part = Statement | VariableDeclaration | null | undefined;

/** Returns the names that `var` declares in statements, including nested blocks and loops, to which minifiers move them. */
function varNames(statements: readonly Part[]): string[] {
  return statements.flatMap((node) => {
    switch (node?.type) {
      case 'VariableDeclaration':
        return node.kind === 'var' ? node.declarations.flatMap(({ id }) => namesIn(id)) : [];
      case 'BlockStatement':
        return varNames(node.body);
      case 'IfStatement':
        return varNames([node.consequent, node.alternate]);
      case 'ForStatement':
        return varNames([node.init as Part, node.body]);
      default:
        return [];
    }
  });
}

/** Returns the names that `let` and `const` declare directly in a block. */
function lexicalNames(statements: readonly Statement[]): [name: string, kind: string][] {
  return statements.flatMap((node) => {
    if (node.type !== 'VariableDeclaration' || node.kind === 'var') return [];
    const names = node.declarations.flatMap(({ id }) => namesIn(id));
    return names.map((name): [string, string] => [name, node.kind]);
  });
}

/** Returns the names that a pattern binds. Unsupported patterns are refused where they are bound. */
function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesIn(element) : []));
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        property.type === 'Property' ? namesIn(property.value) : [],
      );
    default:
      return [];
  }
}
