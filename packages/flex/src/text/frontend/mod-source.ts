import {
  type ArrowFunctionExpression,
  type FunctionDeclaration,
  type FunctionExpression,
  Parser,
} from 'acorn';
import type { Node, Slot } from '../ir/expression-node.ts';
import { compileError, type Place } from './compile-diagnostic.ts';
import { isStackOverflow } from './translation-budget.ts';

export type ModKind = 'score' | 'mask';

/** A function to compile with the values bound to it: everything that is known before a source is parsed. */
export type Unit = FunctionUnit | BoundUnit | CombinedUnit | GraphUnit;

export interface FunctionUnit {
  readonly kind: 'function';
  readonly name: string;
  readonly text: string;
}

/** A mod with bound captures; names that are not bound come from the caller's captures. */
export interface BoundUnit {
  readonly kind: 'bind';
  readonly mod: Unit;
  readonly captures: CaptureMap;
}

/** A combination of masks. */
export interface CombinedUnit {
  readonly kind: 'and' | 'or' | 'not';
  readonly parts: readonly Unit[];
}

/** A precompiled mod. Its captures are looked up by name, as for a function. */
export interface GraphUnit {
  readonly kind: 'graph';
  readonly of: ModKind;
  /** The hash of the graph and the kind; the names of captures are not part of it. */
  readonly hash: string;
  readonly root: Node;
  readonly slots: readonly Slot[];
}

export type Capture = Slot | CapturedFunction;

interface CapturedFunction {
  readonly kind: 'function';
  readonly unit: Unit;
}

export type CaptureMap = ReadonlyMap<string, Capture>;

/** Returns the kind of a mod if its construction determines it; a function may be of either kind. */
export function kindOf(unit: Unit): ModKind | undefined {
  switch (unit.kind) {
    case 'function':
      return undefined;
    case 'graph':
      return unit.of;
    case 'bind':
      return kindOf(unit.mod);
    default:
      return 'mask';
  }
}

export type FunctionNode = ArrowFunctionExpression | FunctionExpression | FunctionDeclaration;

/** The source of one function. Positions of its nodes count from `offset` before the first character of `text`. */
export interface Source {
  readonly name: string;
  readonly text: string;
  readonly offset: number;
}

export interface ParsedFunction {
  readonly source: Source;
  readonly node: FunctionNode;
}

/**
 * A parser without acorn's search for names declared twice, which takes quadratic time. The engine has checked them already.
 */
const SourceParser = Parser.extend((Base) => {
  class Trusting extends (Base as unknown as new () => object) {
    declareName(): void {}
  }
  return Trusting as unknown as typeof Parser;
});

// A function expression or an arrow, else a method, else a private method.
const wrappings = [
  ['(', ')'],
  ['({', '})'],
  ['(class{', '})'],
] as const;

const options = { ecmaVersion: 'latest', sourceType: 'script', checkPrivateFields: false } as const;

/**
 * Parses the source text of a function.
 * @throws CompileError the text is hidden, is not JavaScript, or is not a plain function
 */
export function parseFunction(caller: string, { name, text }: FunctionUnit): ParsedFunction {
  if (/\{\s*\[(native code|bytecode)\]\s*\}\s*$/.test(text)) {
    const rule = `the source of ${name || 'the function'} is hidden: it is native, made by Function.prototype.bind, or this engine keeps none`;
    throw compileError(caller, undefined, undefined, rule, hiddenRemedy);
  }
  let failure: unknown;
  for (const [before, after] of wrappings) {
    const source = { name, text, offset: before.length };
    try {
      // acorn's own lines and columns are not used: all messages count them from positions.
      const program = SourceParser.parse(before + text + after, options);
      return { source, node: functionIn(caller, source, program.body[0] as unknown as Parsed) };
    } catch (error) {
      if (!(error instanceof SyntaxError) || isStackOverflow(error)) throw error;
      failure ??= syntaxError(caller, source, error as SyntaxError & { pos: number });
    }
  }
  throw failure;
}

/** The statement that a wrapped text parses to. */
interface Parsed {
  readonly expression: Place & {
    readonly type: string;
    readonly properties?: readonly [{ readonly value: Place }];
    readonly body: { readonly body: readonly [{ readonly value: Place }] };
  };
}

function functionIn(caller: string, source: Source, { expression }: Parsed): FunctionNode {
  const isPrivate = source.text.startsWith('#');
  const method = isPrivate ? expression.body.body[0] : expression.properties?.[0];
  const node = (method?.value ?? expression) as FunctionNode;
  if (!node.type.endsWith('FunctionExpression')) {
    throw compileError(caller, source, node, 'a class is not a function', plainRemedy);
  }
  if (node.async || node.generator) {
    const rule = `${node.async ? 'an async function' : 'a generator'} cannot run on the GPU`;
    throw compileError(caller, source, node, rule, 'Return the number or boolean itself.');
  }
  return node;
}

const plainRemedy = 'Pass an arrow function or a function.';
const hiddenRemedy =
  'Pass the function itself; to give it values use bind(mod, captures) from @heed/flex. Where the engine keeps no sources, as Hermes, precompile the mod: JSON.stringify(compileMod(mod, captures)).';

function syntaxError(caller: string, source: Source, error: SyntaxError & { pos: number }): Error {
  const at = { start: error.pos, end: error.pos + 1 };
  const rule = `the function's source is not plain JavaScript: ${error.message.replace(/ \(.*$/, '')}`;
  return compileError(caller, source, at, rule, plainRemedy);
}
