import type {
  BinaryExpression,
  CallExpression,
  ConditionalExpression,
  Expression,
  Literal,
  LogicalExpression,
  SequenceExpression,
  UnaryExpression,
} from 'acorn';
import type { Node } from '../ir/expression-node.ts';
import { branch, runForEffects } from './branch.ts';
import { RECURSION } from './compile-diagnostic.ts';
import { literal } from './js-number.ts';
import { member } from './member.ts';
import type { FunctionNode } from './mod-source.ts';
import { binary, isAbsent, numberOf, truthOf, unary } from './operators.ts';
import { isNode, UNDEFINED, type Value } from './source-value.ts';
import { type Context, narrow, refuse, refuseConstruct } from './translation-context.ts';
import { assign, identifier, update } from './variables.ts';

/** Evaluates an expression; assignments in it change the flow. */
export function evaluateExpression(cx: Context, node: Expression): Value {
  switch (node.type) {
    case 'Identifier':
      return identifier(cx, node);
    case 'Literal':
      return constant(cx, node);
    case 'UnaryExpression':
      return unaryExpression(cx, node);
    case 'BinaryExpression':
    case 'LogicalExpression':
      return chain(cx, node);
    case 'ConditionalExpression':
      return conditional(cx, node);
    case 'AssignmentExpression':
      return assign(cx, node, logical);
    case 'UpdateExpression':
      return update(cx, node);
    case 'SequenceExpression':
      return sequence(cx, node);
    case 'MemberExpression':
      return member(cx, node);
    case 'CallExpression':
      return callExpression(cx, node);
    case 'ParenthesizedExpression':
      return cx.evaluate(node.expression);
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return closure(cx, node);
    default:
      return refuseConstruct(cx, node, node.type);
  }
}

/** Evaluates `a + b + c …` from the innermost left operand outwards: recursion would be as deep as the chain is long. */
function chain(cx: Context, outermost: BinaryExpression | LogicalExpression): Value {
  const links = [outermost];
  let { left } = outermost;
  for (; left.type === 'BinaryExpression' || left.type === 'LogicalExpression'; { left } = left) {
    links.push(left);
  }
  const strange = links.find(({ operator }) => operator.startsWith('in'));
  if (strange) refuseConstruct(cx, strange, strange.operator);
  let value = cx.evaluate(left as Expression);
  for (const link of links.toReversed()) value = linked(cx, link, value);
  return value;
}

function linked(cx: Context, node: BinaryExpression | LogicalExpression, left: Value): Value {
  if (node.type === 'LogicalExpression') {
    return logical(cx, node.operator, left, () => cx.evaluate(node.right), node);
  }
  return binary(cx, node.operator, left, cx.evaluate(node.right), node);
}

function constant(cx: Context, node: Literal): Value {
  const { value } = node;
  if (typeof value === 'number' || typeof value === 'boolean') return literal(cx.graph, value);
  if (value === null && node.raw === 'null') return UNDEFINED;
  return refuseConstruct(cx, node, node.regex ? 'RegExp' : node.bigint ? 'BigInt' : 'Literal');
}

function unaryExpression(cx: Context, { operator, argument, ...node }: UnaryExpression): Value {
  if (operator === 'typeof' || operator === 'delete') refuseConstruct(cx, node, operator);
  if (operator === 'void') return runForEffects(cx, argument);
  if (operator === '!') return cx.graph.not(cx.truth(argument));
  const value = cx.evaluate(argument);
  return operator === '+' ? numberOf(cx, value, argument) : unary(cx, operator, value, argument);
}

function logical(
  cx: Context,
  operator: LogicalExpression['operator'],
  left: Value,
  right: () => Value,
  { left: at }: Pick<LogicalExpression, 'left'>,
): Value {
  if (operator === '??') return isAbsent(cx, left, at) ? right() : left;
  const condition = truthOf(cx, left, at);
  const same = (): Value => narrow(cx.facts, cx.budget, left);
  return operator === '&&'
    ? branch(cx, condition, right, same)
    : branch(cx, condition, same, right);
}

function conditional(cx: Context, { test, consequent, alternate }: ConditionalExpression): Value {
  return branch(
    cx,
    cx.truth(test),
    () => cx.evaluate(consequent),
    () => cx.evaluate(alternate),
  );
}

function sequence(cx: Context, { expressions }: SequenceExpression): Value {
  for (const expression of expressions.slice(0, -1)) runForEffects(cx, expression);
  return cx.evaluate(expressions.at(-1)!);
}

function closure(cx: Context, node: FunctionNode): Value {
  return { kind: 'closure', node, scope: cx.scope, source: cx.source };
}

function callExpression(cx: Context, node: CallExpression): Value {
  const { callee } = node;
  if (callee.type === 'Super' || node.optional) refuseConstruct(cx, node, 'Chain');
  const free = callee.type === 'Identifier' && !cx.scope.find(callee.name) && callee.name;
  if (free && free === cx.source.name) refuse(cx, node, ...RECURSION);
  const kept = free && nameKept(cx, free, node.arguments as Expression[]);
  if (kept) return kept;
  const target = free === '__pow' ? { kind: 'builtin' as const, name: 'pow' } : cx.evaluate(callee);
  const args = node.arguments.map((arg) => cx.evaluate(arg as Expression));
  return cx.call(target, args, node);
}

/**
 * Returns the function in `__name(function, 'name')`, by which esbuild's keepNames gives functions their names back. Minifiers
 * rename `__name`, so any call of an undeclared function with a function and a string is taken for it.
 */
function nameKept(cx: Context, callee: string, args: readonly Expression[]): Value | undefined {
  const [fn, name] = args;
  const isName = name?.type === 'Literal' && typeof name.value === 'string';
  if (args.length !== 2 || !isName || (callee !== '__name' && callee.length > 3)) return undefined;
  const value = cx.evaluate(fn!);
  return !isNode(value) && value.kind === 'closure' ? value : undefined;
}

/** Evaluates an expression as a condition: its parts may have different types, as in `n || near`. */
export function truthOfExpression(cx: Context, node: Expression): Node {
  switch (node.type) {
    case 'LogicalExpression':
      if (node.operator !== '??') return truthOfChain(cx, node);
      break;
    case 'ConditionalExpression': {
      const { consequent, alternate } = node;
      const test = cx.truth(node.test);
      return branch(
        cx,
        test,
        () => cx.truth(consequent),
        () => cx.truth(alternate),
      ) as Node;
    }
    case 'UnaryExpression':
      if (node.operator === '!') return cx.graph.not(cx.truth(node.argument));
      break;
    case 'SequenceExpression':
      for (const part of node.expressions.slice(0, -1)) runForEffects(cx, part);
      return cx.truth(node.expressions.at(-1)!);
    default:
  }
  return truthOf(cx, cx.evaluate(node), node);
}

/** Evaluates `a && b && c …` from the innermost left operand outwards: recursion would be as deep as the chain is long. */
function truthOfChain(cx: Context, outermost: LogicalExpression): Node {
  const links: LogicalExpression[] = [];
  let at: Expression = outermost;
  for (; at.type === 'LogicalExpression' && at.operator !== '??'; at = at.left) links.push(at);
  let known = cx.truth(at);
  for (const { operator, right } of links.toReversed()) {
    const [left, next] = [known, (): Node => cx.truth(right)];
    const [then, otherwise] = operator === '&&' ? [next, () => left] : [() => left, next];
    known = branch(cx, left, then, otherwise) as Node;
  }
  return known;
}
