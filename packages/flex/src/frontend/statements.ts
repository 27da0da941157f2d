import type { IfStatement, Statement, VariableDeclaration } from 'acorn';
import { type Context, refuseConstruct } from './context.ts';
import { forkFlow, leftWhen, mergeFlows, rejoinFlows } from './flow.ts';
import { executeFor } from './loops.ts';
import { truthOf } from './operands.ts';
import { bindPattern } from './patterns.ts';
import { Scope } from './scope.ts';
import { UNDEFINED, type Value } from './value.ts';

/** Runs statements in order, up to where every path has left. What follows a partial exit runs on a flow of its own. */
export function executeStatements(cx: Context, statements: readonly Statement[]): void {
  const { graph } = cx;
  for (const [i, statement] of statements.entries()) {
    execute(cx, statement);
    const left = leftWhen(graph, cx.flow);
    if (left.data === true) return;
    if (left.data === false) continue;
    const before = cx.flow;
    cx.flow = forkFlow(graph, before);
    executeStatements(cx, statements.slice(i + 1));
    cx.flow = rejoinFlows(graph, left, before, cx.flow);
    return;
  }
}

/** A function declaration may be called before the line that it stands on. */
export function hoist(cx: Context, statements: readonly Statement[]): void {
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
      if (node.directive === undefined) cx.evaluate(node.expression);
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
  const condition = truthOf(cx, cx.evaluate(test), test);
  if (condition.op === 'const') {
    const taken = condition.data === true ? consequent : alternate;
    if (taken) cx.execute([taken]);
    return;
  }
  const start = cx.flow;
  cx.flow = forkFlow(graph, start);
  cx.execute([consequent]);
  const taken = cx.flow;
  cx.flow = forkFlow(graph, start);
  if (alternate) cx.execute([alternate]);
  cx.flow = mergeFlows(graph, condition, taken, cx.flow);
}

function declareVariables(cx: Context, { kind, declarations }: VariableDeclaration): void {
  for (const { id, init } of declarations) {
    const value = init ? cx.evaluate(init) : UNDEFINED;
    bindPattern(cx, id, value, (name, bound) => declare(cx, kind, name, bound, !init));
  }
}

function declare(cx: Context, kind: string, name: string, value: Value, isBare: boolean): void {
  if (kind !== 'var') {
    cx.flow.vars.set(cx.scope.declare(name, kind === 'const'), value);
    return;
  }
  const { ofFunction } = cx.scope;
  const known = ofFunction.own(name);
  // `var x;` of a variable that there is already leaves its value.
  if (known && isBare) return;
  cx.flow.vars.set(known ?? ofFunction.declare(name, false), value);
}
