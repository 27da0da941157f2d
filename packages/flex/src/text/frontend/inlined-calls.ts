import type { BlockStatement, Expression } from 'acorn';
import {
  elementType,
  type Node,
  type ScalarSlot,
  type Slot,
  type TableSlot,
} from '../ir/expression-node.ts';
import { replay, transfer } from '../ir/traversal.ts';
import { onEachPath } from './branch.ts';
import { type Place, RECURSION } from './compile-diagnostic.ts';
import { startFlow, variablesAfter } from './flow.ts';
import { asF32 } from './js-number.ts';
import { propertyOf } from './member.ts';
import {
  type BoundUnit,
  type CombinedUnit,
  type FunctionNode,
  type FunctionUnit,
  type GraphUnit,
  kindOf,
  type ParsedFunction,
  parseFunction,
  type Unit,
} from './mod-source.ts';
import { callMath, numberOf, truthOf } from './operators.ts';
import {
  type CapturesValue,
  type ClosureValue,
  type ConversionValue,
  describe,
  faultOf,
  isNode,
  isUndefined,
  Scope,
  UNDEFINED,
  type UndefinedValue,
  type Value,
} from './source-value.ts';
import { hoist, hoistVars } from './statements.ts';
import { type Context, type Parsing, refuse, refuseFault } from './translation-context.ts';
import { bindPattern } from './variables.ts';

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

/** Calls a mod or a captured function; each part sees its own captures. */
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

/**
 * Translates a combination of masks. Masks are pure, so a part that occurs several times is translated once per set of
 * arguments.
 */
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

/** Returns the syntax tree of a captured function, which is parsed once. */
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

/**
 * Adds bound values to the captures argument, which is the first that is not a number. They take precedence over the caller's
 * values.
 */
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

/**
 * Returns the value of a parameter without an argument. It is an error only where it is used, since minifiers leave out unused
 * arguments.
 */
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

/** Rebuilds the operations of a precompiled mod over the arguments of a call and their captures. */
function callGraph(cx: Context, unit: GraphUnit, args: readonly Value[], at: Place): Node {
  const { graph } = cx;
  const indices = ['b', 'h', 'q', 'kv'] as const;
  const names = unit.of === 'score' ? (['score', ...indices] as const) : indices;
  const given = new Map<unknown, Node>(
    names.map((name, i) => [name, argument(cx, name, args[i] ?? UNDEFINED, at)]),
  );
  const captures = args[names.length] ?? UNDEFINED;
  const leafOf = (node: Node, indexNodes: readonly Node[]): Node => {
    if (node.op === 'input') return given.get(node.data) ?? graph.input(node.data as 'qLen');
    const slot = captured(cx, node.data as Slot, captures, at);
    return slot.kind === 'scalar' ? graph.param(slot) : graph.read(slot, indexNodes);
  };
  // Called with the inputs themselves, the graph is copied without change, so that its hash stays the same.
  const isSame = names.every((name) => given.get(name) === graph.input(name));
  return (isSame ? transfer : replay)(graph, unit.root, leafOf);
}

function argument(cx: Context, name: string, value: Value, at: Place): Node {
  const node = numberOf(cx, value, at);
  if (name === 'score') return asF32(cx.graph, node);
  if (node.type === 'i32') return node;
  const rule = `${name} of a precompiled mod must be an integer`;
  return refuse(cx, at, rule, 'Round it: Math.floor(x) | 0.');
}

/** Finds the capture that a precompiled mod reads by name. */
function captured(cx: Context, wanted: Slot, captures: Value, at: Place): ScalarSlot | TableSlot {
  const { name } = wanted;
  const value = propertyOf(cx, captures, name, at);
  const got = slotOf(value);
  if (!got) refuseFault(cx, at, faultOf(value) ?? mismatch(name, typeText(wanted), 'another'));
  if (wanted.kind === 'scalar' && got.kind === 'scalar') {
    if (got.type === wanted.type) return got;
    // A whole number may stand for a float.
    if (got.type === 'i32' && wanted.type === 'f32') return { ...got, type: 'f32' };
  }
  if (wanted.kind === 'table' && got.kind === 'table') {
    if (elementType(got) === elementType(wanted) && got.rank === wanted.rank) return got;
  }
  return refuseFault(cx, at, mismatch(name, typeText(wanted), typeText(got)));
}

function slotOf(value: Value): Slot | undefined {
  if (!isNode(value)) return value.kind === 'table' ? value.slot : undefined;
  return value.op === 'param' || value.op === 'read' ? (value.data as Slot) : undefined;
}

const typeText = (slot: Slot): string =>
  slot.kind === 'scalar'
    ? slot.type
    : `a table of ${elementType(slot)} with ${slot.rank} dimensions`;

const mismatch = (name: string, wanted: string, got: string) => ({
  rule: `captures.${name} was compiled as ${wanted}; got ${got}`,
  remedy: 'Pass one like it, or precompile the mod with what it is to read.',
});
