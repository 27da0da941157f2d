import type { Expression, Statement } from 'acorn';
import type { Graph } from '../ir/graph.ts';
import { compileError, type Place } from './diagnostic.ts';
import type { Flow } from './flow.ts';
import type { Scope } from './scope.ts';
import type { FunctionNode, ParsedFunction, Source } from './source.ts';
import type { FunctionUnit } from './unit.ts';
import type { Value } from './value.ts';

/** The translation of one mod: where it stands in the source, and what is known there. */
export interface Context {
  readonly graph: Graph;
  /** The public function that messages name. */
  readonly caller: string;
  source: Source;
  scope: Scope;
  flow: Flow;
  /** The functions that are being inlined, outermost first. */
  readonly stack: FunctionNode[];
  readonly parsed: Map<FunctionUnit, ParsedFunction>;
  /** Loop turns left. */
  turns: number;

  // The mutual recursion of the language, tied together in translate.ts.
  evaluate(node: Expression): Value;
  execute(statements: readonly Statement[]): void;
  call(callee: Value, args: readonly Value[], at: Place): Value;
}

/** @throws CompileError always: the construct at that place is not part of the language */
export function refuse(cx: Context, at: Place, rule: string, remedy: string): never {
  throw compileError(cx.caller, cx.source, at, rule, remedy);
}
