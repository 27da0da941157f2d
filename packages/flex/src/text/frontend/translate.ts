import { type Canonical, canonical } from '../ir/canonical.ts';
import type { Node } from '../ir/expression-node.ts';
import { createGraph } from '../ir/graph.ts';
import { ordered } from '../ir/traversal.ts';
import { compileError, isMisread, type Place, startOf } from './compile-diagnostic.ts';
import { evaluateExpression, truthOfExpression } from './expressions.ts';
import { startFlow } from './flow.ts';
import { callUnit, callValue, parsedUnit } from './inlined-calls.ts';
import { asF32 } from './js-number.ts';
import {
  type CaptureMap,
  type FunctionUnit,
  kindOf,
  type ModKind,
  type Source,
  type Unit,
} from './mod-source.ts';
import { nodeOf } from './operators.ts';
import { isNode, Scope, type Value } from './source-value.ts';
import { executeStatements, MAX_TURNS } from './statements.ts';
import { Budget, isStackOverflow, MAX_OPERATIONS, TOO_DEEP } from './translation-budget.ts';
import { type Context, type Parsing, refuse, refuseReading } from './translation-context.ts';

/** A mod as an expression graph. Its root is the f32 score, or a boolean: whether the pair is visible. */
export interface Translation extends Canonical {
  readonly kind: ModKind;
}

export interface TranslateOptions {
  /** The public function that error messages name. */
  readonly caller: string;
  /** Default: a function that returns a boolean is a mask. */
  readonly kind?: ModKind | undefined;
}

/**
 * Translates source text to an expression graph.
 * @throws CompileError with the place and the remedy, where the function is not in the language
 */
export function translate(
  unit: Unit,
  captures: CaptureMap,
  { caller, kind = kindOf(unit) }: TranslateOptions,
): Translation {
  const parsed: Parsing['parsed'] = new Map();
  // The text that messages show where the error concerns the whole mod.
  const whole = { name: '', text: functionsOf(unit)[0]?.text ?? '', offset: 0 };
  const all = { start: 0, end: whole.text.length };
  const refuseAll = (rule: string, remedy: string): never => {
    throw compileError(caller, whole, all, rule, remedy);
  };
  const parsing = (): Parsing => ({ caller, parsed, budget: new Budget(refuseAll) });
  const as = (tried: ModKind): Translation => translateAs(tried, unit, captures, whole, parsing());
  try {
    return kind === undefined ? translateEither(unit, parsing(), as) : as(kind);
  } catch (error) {
    if (!isStackOverflow(error)) throw error;
    throw compileError(caller, undefined, undefined, ...TOO_DEEP);
  }
}

/** Determines the kind by what the function returns: a boolean makes a mask. */
function translateEither(
  unit: Unit,
  parsing: Parsing,
  as: (kind: ModKind) => Translation,
): Translation {
  const parameters = functionsOf(unit).map((part) => parsedUnit(parsing, part).node.params.length);
  if (parameters.some((count) => count > MASK_PARAMETERS)) return as('score');
  try {
    return as('mask');
  } catch (asMask) {
    try {
      return as('score');
    } catch (asScore) {
      const [isNoMask, isNoScore] = [isMisread(asMask), isMisread(asScore)];
      if (isNoMask !== isNoScore) throw isNoMask ? asScore : asMask;
      // With the parameters of the wrong kind, translation stops earlier in the source.
      throw startOf(asMask) > startOf(asScore) ? asMask : asScore;
    }
  }
}

function translateAs(
  kind: ModKind,
  unit: Unit,
  captures: CaptureMap,
  source: Source,
  parsing: Parsing,
): Translation {
  const graph = createGraph();
  const { budget } = parsing;
  const whole = { start: 0, end: source.text.length };
  const cx: Context = {
    ...parsing,
    graph,
    source,
    scope: new Scope(undefined, true),
    flow: startFlow(graph, new Map()),
    facts: undefined,
    stack: [],
    turns: MAX_TURNS,
    combined: new WeakMap(),
    origins: new WeakMap(),
    evaluate: (node) => {
      const value = budget.step(() => evaluateExpression(cx, node));
      if (isNode(value) && value.type === 'f32' && !cx.origins.has(value)) {
        cx.origins.set(value, { source: cx.source, at: node });
      }
      return value;
    },
    truth: (node) => budget.step(() => truthOfExpression(cx, node)),
    execute: (statements) => executeStatements(cx, statements),
    call: (callee, args, at) => callValue(cx, callee, args, at),
  };
  const inputs = kind === 'score' ? (['score', ...indices] as const) : indices;
  const args: readonly Value[] = [
    ...inputs.map((input) => graph.input(input)),
    { kind: 'captures', scopes: [captures] },
    { kind: 'info' },
  ];
  checkKind(cx, unit, kind, whole);
  checkParameters(cx, unit, kind, args.length);
  const result = nodeOf(cx, callUnit(cx, unit, args, whole), whole);
  return { kind, ...canonical(checkResult(cx, kind, result, whole)) };
}

const indices = ['b', 'h', 'q', 'kv'] as const;

const MASK_PARAMETERS = indices.length + 2;

const signatures = {
  score: '(score, b, h, q, kv, captures, info)',
  mask: '(b, h, q, kv, captures, info)',
};

/** Returns the functions that a mod is composed of, each once. */
function functionsOf(unit: Unit): readonly FunctionUnit[] {
  const units = new Set([unit]);
  for (const part of units) {
    if (part.kind === 'bind') units.add(part.mod);
    else if ('parts' in part) part.parts.forEach((inner) => units.add(inner));
  }
  return [...units].filter((part) => part.kind === 'function');
}

function checkKind(cx: Context, unit: Unit, kind: ModKind, at: Place): void {
  const made = kindOf(unit) ?? kind;
  if (made === kind) return;
  refuse(cx, at, `a ${kind} mod is wanted, and this is a ${made} mod`, `Pass it as ${made}Mod.`);
}

function checkParameters(cx: Context, unit: Unit, kind: ModKind, count: number): void {
  for (const part of functionsOf(unit)) {
    const { node, source } = parsedUnit(cx, part);
    const extra = node.params[count];
    if (!extra) continue;
    cx.source = source;
    const rule = `a ${kind} mod takes at most ${count} parameters; got ${node.params.length}`;
    refuse(cx, extra, rule, `Its parameters are ${signatures[kind]}.`);
  }
}

function checkResult(cx: Context, kind: ModKind, result: Node, at: Place): Node {
  if (kind === 'mask' && result.type !== 'bool') {
    const rule = 'a mask must return a boolean, and this returns a number';
    refuseReading(cx, at, rule, 'Return a comparison, or pass the function as scoreMod.');
  }
  if (kind === 'score' && result.type === 'bool') {
    const rule = 'a score mod must return a number, and this returns a boolean';
    const remedy = 'Return visible ? score : -Infinity, or pass the function as maskMod.';
    refuseReading(cx, at, rule, remedy);
  }
  const root = kind === 'score' ? asF32(cx.graph, result) : result;
  const nodes = ordered([root]);
  if (nodes.some((node) => Number.isNaN(node.data))) {
    refuse(cx, at, 'the result may be NaN', 'Return -Infinity for a pair that is to be hidden.');
  }
  if (nodes.length > MAX_OPERATIONS) {
    const rule = `the function consists of ${nodes.length} operations, and ${MAX_OPERATIONS} is the most`;
    refuse(cx, at, rule, 'Use fewer loop turns, or compute a table beforehand.');
  }
  return root;
}
