import type { BlockStatement, Expression } from 'acorn';
import type { Node } from '../ir/node.ts';
import { callGraph } from './call-graph.ts';
import { onEachPath } from './branch.ts';
import { type Context, type Parsing, refuse, refuseFault } from './context.ts';
import type { Place } from './diagnostic.ts';
import { startFlow, variablesAfter } from './flow.ts';
import { callMath } from './math.ts';
import { numberOf, truthOf } from './operands.ts';
import { bindPattern } from './patterns.ts';
import { RECURSION } from './refused.ts';
import { Scope } from './scope.ts';
import { type FunctionNode, type ParsedFunction, parseFunction } from './source.ts';
import { hoist, hoistVars } from './statements.ts';
import { type BoundUnit, type CombinedUnit, type FunctionUnit, kindOf, type Unit } from './unit.ts';
import {
  type CapturesValue,
  type ClosureValue,
  type ConversionValue,
  describe,
  faultOf,
  isNode,
  isUndefined,
  type UndefinedValue,
  type Value,
} from './value.ts';

/** `callee(...args)`: functions are inlined. */
export function callValue(cx: Context, callee: Value, args: readonly Value[], at: Place): Value {
  if (!isNode(callee)) {
    if (callee.kind === 'builtin') return callMath(cx, callee.name, args, at);
    if (callee.kind === 'conversion') return convert(cx, callee, args, at);
    if (callee.kind === 'unit') return callUnit(cx, callee.unit, args, at);
    if (callee.kind === 'closure') return callClosure(cx, callee, args, at);
    if (callee.kind === 'choice') {
      return onEachPath(cx, callee, (one) => callValue(cx, one, args, at));
    }
  }
  const rule = `${describe(callee)} is not a function`;
  refuseFault(cx, at, faultOf(callee) ?? { rule, remedy: 'Pass the function in captures.' });
}

function convert(
  cx: Context,
  { to }: ConversionValue,
  [value, ...rest]: readonly Value[],
  at: Place,
): Node {
  const one = rest.length === 0 && value;
  if (!one) refuse(cx, at, 'a conversion takes 1 argument', 'Pass 1.');
  return to === 'number' ? numberOf(cx, one, at) : truthOf(cx, one, at);
}

/** Calls a mod or a captured function, each part in the scope of its own captures. */
export function callUnit(cx: Context, unit: Unit, args: readonly Value[], at: Place): Value {
  cx.budget.enter();
  const result = unitResult(cx, unit, args, at);
  cx.budget.leave();
  return result;
}

function unitResult(cx: Context, unit: Unit, args: readonly Value[], at: Place): Value {
  switch (unit.kind) {
    case 'function': {
      const scope = new Scope(undefined, true);
      return callClosure(cx, { kind: 'closure', scope, ...parsedUnit(cx, unit) }, args, at);
    }
    case 'graph':
      return callGraph(cx, unit, args, at);
    case 'bind':
      return callUnit(cx, unit.mod, boundArguments(unit, args), at);
    default:
      return combination(cx, unit, args, at);
  }
}

/** Masks are pure: one that is there more than once, for the same pair, is asked once. */
function combination(cx: Context, unit: CombinedUnit, args: readonly Value[], at: Place): Node {
  const known = cx.combined.get(args) ?? new Map<Unit, Node>();
  cx.combined.set(args, known);
  const parts = unit.parts.map((part) => {
    if (kindOf(part) === 'score') {
      refuse(cx, at, 'a part of a mask is a score mod', 'Combine masks, and pass it as scoreMod.');
    }
    const node = known.get(part) ?? truthOf(cx, callUnit(cx, part, args, at), at);
    known.set(part, node);
    return node;
  });
  if (unit.kind === 'not') return cx.graph.not(parts[0]!);
  return unit.kind === 'and' ? cx.graph.and(...parts) : cx.graph.or(...parts);
}

/** A captured function's syntax tree, parsed once. */
export function parsedUnit(
  { caller, parsed, budget }: Parsing,
  unit: FunctionUnit,
): ParsedFunction {
  const known = parsed.get(unit);
  if (known) return known;
  budget.read(unit.text);
  const made = parseFunction(caller, unit);
  parsed.set(unit, made);
  return made;
}

/** The captures parameter is the first that is not a number; bound values go before those of the caller. */
function boundArguments({ captures }: BoundUnit, args: readonly Value[]): readonly Value[] {
  const found = args.findIndex(
    (arg) => isUndefined(arg) || (!isNode(arg) && arg.kind === 'captures'),
  );
  const position = found < 0 ? args.length : found;
  const outer = args[position] as CapturesValue | undefined;
  const value: Value = { kind: 'captures', scopes: [captures, ...(outer?.scopes ?? [])] };
  return args.toSpliced(position, 1, value);
}

function callClosure(
  cx: Context,
  { node, scope, source }: ClosureValue,
  args: readonly Value[],
  at: Place,
): Value {
  if (cx.stack.includes(node)) {
    refuse(cx, at, ...RECURSION);
  }
  const missing = missingArgument(cx, source.name, node, args.length, at);
  const outer = { scope: cx.scope, source: cx.source, flow: cx.flow };
  cx.stack.push(node);
  cx.scope = new Scope(scope, true);
  cx.source = source;
  cx.flow = startFlow(cx.graph, outer.flow.vars);
  node.params.forEach((param, i) => {
    bindPattern(cx, param, args[i] ?? missing, (name, value) =>
      cx.flow.vars.set(cx.scope.declare(name, false), value),
    );
  });
  const result = runBody(cx, node.body);
  outer.flow.vars = variablesAfter(cx.graph, cx.flow);
  Object.assign(cx, outer);
  cx.stack.pop();
  return result;
}

/** What a parameter without an argument holds. Minifiers leave out arguments that are not used. */
function missingArgument(
  { source }: Context,
  name: string,
  { params }: FunctionNode,
  got: number,
  at: Place,
): UndefinedValue {
  const needed = params.filter((param) => param.type !== 'AssignmentPattern').length;
  const count = `${needed} ${needed === 1 ? 'argument' : 'arguments'}`;
  const rule = `${name || 'the function'} takes ${count}; got ${got}`;
  return {
    kind: 'undefined',
    why: { rule, remedy: 'Pass all of them.', from: { source, at } },
  };
}

function runBody(cx: Context, body: BlockStatement | Expression): Value {
  if (body.type !== 'BlockStatement') return cx.evaluate(body);
  hoistVars(cx, body.body);
  hoist(cx, body.body);
  cx.execute(body.body);
  const { returned, exit } = cx.flow;
  if (returned.data === true) return exit!.value;
  return { kind: returned.data === false ? 'undefined' : 'unusable', why: noReturn };
}

const noReturn = {
  rule: 'the function does not return a value on every path',
  remedy: 'End it with a return.',
};
