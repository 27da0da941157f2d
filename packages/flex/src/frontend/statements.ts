import type { IfStatement, Statement, VariableDeclaration } from 'acorn';
import type { Node } from '../ir/node.ts';
import { runAside } from './branch.ts';
import { type Context, refuseConstruct } from './context.ts';
import { lexicalNames, varNames } from './declared-names.ts';
import { runForEffects } from './effects.ts';
import { type Flow, forkFlow, leftWhen, mergeFlows, rejoinFlows } from './flow.ts';
import { executeFor } from './loops.ts';
import { bindPattern, valueFor } from './patterns.ts';
import { Scope } from './scope.ts';
import { UNDEFINED, type Value } from './value.ts';

/** Runs statements in order, up to where every path has left. */
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
    // As whereNotLeft, on no stack: there may be thousands of exits.
    exits.push({ left, before: cx.flow });
    cx.flow = forkFlow(cx, cx.flow);
    cx.facts = { condition: left, holds: false, before: cx.facts };
  }
  for (const { left, before } of exits.toReversed()) {
    cx.flow = rejoinFlows(graph, left, before, cx.flow);
  }
  cx.facts = facts;
}

/** Every `var` of a function is there from its start. */
export function hoistVars(cx: Context, statements: readonly Statement[]): void {
  for (const name of varNames(statements)) {
    if (!cx.scope.own(name)) cx.flow.vars.set(cx.scope.declare(name, false), UNDEFINED);
  }
}

/** A function declaration may be called before the line that it stands on; other names are taken from the block's start. */
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
  // `var x;` of a variable that there is already leaves its value.
  if (!isBare) cx.flow.vars.set(cx.scope.ofFunction.own(name)!, value);
}
