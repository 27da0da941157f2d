import { typescriptLanguage } from '@codemirror/lang-javascript';
import type { SyntaxNodeRef } from '@lezer/common';
import { type Expression, type Function as FunctionNode, parse, type Program } from 'acorn';

/** A range of the editor's text, in characters from its start. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** An error in the visitor's text, with its range. */
export class ProgramError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

/** A function of the text, without its types. */
export interface FunctionText {
  readonly kind: 'function';
  readonly name: string;
  readonly text: string;
  readonly start: number;
}

interface ImportedName {
  readonly kind: 'import';
  readonly from: string;
  readonly name: string;
  readonly place: Place;
}

interface ConstantText {
  readonly kind: 'constant';
  readonly value: Expression;
}

type Declaration = FunctionText | ImportedName | ConstantText;

/** The declarations of a text by name, and the text without types to which their positions refer. */
export interface Declarations {
  readonly text: string;
  readonly named: ReadonlyMap<string, Declaration>;
}

type Statement = Program['body'][number];

/**
 * Parses a text as a list of imports, functions and constants, without executing it.
 * @throws ProgramError for any other statement at the top level, or text that is not TypeScript
 */
export function parseProgram(source: string): Declarations {
  const text = stripTypes(source);
  const named = new Map<string, Declaration>();
  for (const statement of parseModule(text)) declare(named, text, statement);
  return { text, named };
}

function parseModule(text: string): Program['body'] {
  try {
    return parse(text, { ecmaVersion: 'latest', sourceType: 'module' }).body;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { pos } = error as SyntaxError & { pos: number };
    throw new ProgramError(error.message.replace(/ \(\d+:\d+\)$/, ''), { from: pos, to: pos + 1 });
  }
}

function declare(named: Map<string, Declaration>, text: string, statement: Statement): void {
  switch (statement.type) {
    case 'EmptyStatement':
      return;
    case 'ExportNamedDeclaration':
      if (statement.declaration) return declare(named, text, statement.declaration);
      break;
    case 'ImportDeclaration':
      for (const specifier of statement.specifiers) {
        if (specifier.type !== 'ImportSpecifier') throw refused(specifier);
        const { imported, local } = specifier;
        const name = imported.type === 'Identifier' ? imported.name : String(imported.value);
        named.set(local.name, {
          kind: 'import',
          from: String(statement.source.value),
          name,
          place: placeOf(specifier),
        });
      }
      return;
    case 'FunctionDeclaration':
      named.set(statement.id.name, functionText(statement.id.name, text, statement));
      return;
    case 'VariableDeclaration':
      for (const { id, init } of statement.declarations) {
        if (id.type !== 'Identifier' || !init) throw refused(statement);
        named.set(
          id.name,
          isFunction(init) ? functionText(id.name, text, init) : { kind: 'constant', value: init },
        );
      }
      return;
    default:
  }
  throw refused(statement);
}

/** Whether an expression is a function expression. */
export function isFunction(node: Expression): node is Expression & FunctionNode {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
}

export function functionText(name: string, text: string, node: Place | Positions): FunctionText {
  const { from, to } = placeOf(node);
  return { kind: 'function', name, text: text.slice(from, to), start: from };
}

interface Positions {
  readonly start: number;
  readonly end: number;
}

export function placeOf(node: Place | Positions): Place {
  return 'from' in node ? node : { from: node.start, to: node.end };
}

function refused(node: Positions): ProgramError {
  return new ProgramError(
    'Here may stand imports, functions and constants: const scoreMod = …, const maskMod = …, const captures = { … }.',
    placeOf(node),
  );
}

const whole = new Set([
  'TypeAnnotation',
  'TypePredicate',
  'TypeParamList',
  'TypeArgList',
  'InterfaceDeclaration',
  'TypeAliasDeclaration',
  'AmbientDeclaration',
  'Optional',
]);

/**
 * Removes the types from TypeScript: overwrites each with spaces, so that positions and lines do not change. The editor's parser
 * finds the types.
 */
export function stripTypes(text: string): string {
  const units = text.split('');
  typescriptLanguage.parser.parse(text).iterate({
    enter(node) {
      const end = typeEnd(node);
      if (end === undefined) return true;
      for (let i = node.from; i < end; i++) if (!/\s/.test(units[i]!)) units[i] = ' ';
      return false;
    },
  });
  return units.join('');
}

/** Returns the end of the type that begins with this node, or undefined if none does. */
function typeEnd({ name, node, to }: SyntaxNodeRef): number | undefined {
  if (whole.has(name)) return to;
  const parent = node.parent;
  if (name === 'ImportDeclaration' && node.getChild('type')) return to;
  if (name === 'type' && parent?.name === 'ImportGroup') return to;
  if ((name === 'as' || name === 'satisfies') && parent?.name === 'BinaryExpression')
    return parent.to;
  if (name === 'LogicOp' && parent?.name === 'PostfixExpression') return to;
  return undefined;
}
