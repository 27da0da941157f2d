import type { Expression, Statement } from 'acorn';
import type { Graph, Node } from '../ir/node.ts';
import type { Budget } from './budget.ts';
import { compileError, misread, type Place } from './diagnostic.ts';
import { refusal } from './refused.ts';
import type { Facts } from './facts.ts';
import type { Flow } from './flow.ts';
import type { Scope } from './scope.ts';
import type { FunctionNode, ParsedFunction, Source } from './source.ts';
import type { FunctionUnit, Unit } from './unit.ts';
import type { Fault, Value } from './value.ts';

/** What the attempts at one mod share. */
export interface Parsing {
  /** The public function that messages name. */
  readonly caller: string;
  readonly parsed: Map<FunctionUnit, ParsedFunction>;
  readonly budget: Budget;
}

/** The translation of one mod: where it stands in the source, and what is known there. */
export interface Context extends Parsing {
  readonly graph: Graph;
  source: Source;
  scope: Scope;
  flow: Flow;
  facts: Facts | undefined;
  /** The functions that are being inlined, outermost first. */
  readonly stack: FunctionNode[];
  /** Where numbers that may have a fraction first stood in the source. */
  readonly origins: WeakMap<Node, { readonly source: Source; readonly at: Place }>;
  /** Loop turns left. */
  turns: number;
  /** What the parts of compositions gave, by the arguments that they share. */
  readonly combined: WeakMap<readonly Value[], Map<Unit, Node>>;

  // The mutual recursion of the language, tied together in translate.ts.
  evaluate(node: Expression): Value;
  /** Whether it is true, where that is all that is asked. */
  truth(node: Expression): Node;
  execute(statements: readonly Statement[]): void;
  call(callee: Value, args: readonly Value[], at: Place): Value;
}

/** @throws CompileError always: constructs of that type, or with that operator, are not part of the language */
export function refuseConstruct(cx: Context, at: Place, type: string): never {
  return refuse(cx, at, ...refusal(type));
}

/** @throws CompileError always: the fault may be that the mod is of the other kind */
export function refuseReading(cx: Context, at: Place, rule: string, remedy: string): never {
  throw misread(compileError(cx.caller, cx.source, at, rule, remedy));
}

/** @throws CompileError always: what is wrong with a value that is used there */
export function refuseFault(cx: Context, at: Place, { rule, remedy, from }: Fault): never {
  throw compileError(cx.caller, from?.source ?? cx.source, from?.at ?? at, rule, remedy);
}

/** @throws CompileError always: the construct at that place is not part of the language */
export function refuse(cx: Context, at: Place, rule: string, remedy: string): never {
  throw compileError(cx.caller, cx.source, at, rule, remedy);
}
