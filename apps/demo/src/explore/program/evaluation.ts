import { andMasks, bind, f32, i32, notMask, orMasks } from '@heed/flex';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';
import { type CallExpression, type Expression, type ObjectExpression, parse } from 'acorn';
import { type Nested, type Table, tableFromNested, tableOfCall } from './capture-table.ts';
import {
  type Declarations,
  type FunctionText,
  functionText,
  isFunction,
  placeOf,
  ProgramError,
} from './declarations.ts';

/** The callbacks of an evaluation. */
interface World {
  /** Returns the capture for a table: a tensor for the GPU, or its dtype and shape for the compiler. */
  readonly capture: (name: string, table: Table) => unknown;
  /** Receives each function that is made, so that errors in it can be located. */
  readonly made: (fn: FunctionText) => void;
}

/**
 * Evaluates a text's declarations. Constants are numbers, tables, objects of them, functions, and calls of heed's combinators.
 * The visitor's functions are never called, so opening a shared link is safe.
 */
export class Evaluation {
  readonly #declarations: Declarations;
  readonly #world: World;
  readonly #values = new Map<string, unknown>();
  readonly #open = new Set<string>();

  constructor(declarations: Declarations, world: World) {
    this.#declarations = declarations;
    this.#world = world;
  }

  /** Returns the value of a top-level name, if there is one. */
  value(name: string): unknown {
    const declared = this.#declarations.named.get(name);
    if (!declared) return undefined;
    if (!this.#values.has(name)) this.#values.set(name, this.#declared(name));
    return this.#values.get(name);
  }

  #declared(name: string): unknown {
    const declared = this.#declarations.named.get(name)!;
    if (declared.kind === 'function') return this.#function(declared);
    if (declared.kind === 'constant') {
      if (this.#open.has(name)) {
        throw new ProgramError(`${name} is made of itself.`, placeOf(declared.value));
      }
      this.#open.add(name);
      const value = this.#expression(declared.value, name);
      this.#open.delete(name);
      return value;
    }
    const found = library[declared.from]?.[declared.name];
    if (found) return found;
    const there = Object.entries(library).map(
      ([from, names]) => `${from} has ${Object.keys(names).join(', ')}`,
    );
    throw new ProgramError(
      `${declared.from} has no ${declared.name} here. ${there.join('; ')}.`,
      declared.place,
    );
  }

  #function(text: FunctionText): Function {
    this.#world.made(text);
    return functionObject(text);
  }

  #expression(node: Expression, name: string): unknown {
    if (isFunction(node)) return this.#function(functionText(name, this.#declarations.text, node));
    switch (node.type) {
      case 'Literal':
        if (typeof node.value === 'number' || typeof node.value === 'boolean') return node.value;
        break;
      case 'ParenthesizedExpression':
        return this.#expression(node.expression, name);
      case 'UnaryExpression':
        if (node.operator === '-') return -this.#number(node.argument);
        if (node.operator === '+') return this.#number(node.argument);
        break;
      case 'BinaryExpression': {
        const operation = arithmetic[node.operator];
        if (operation && node.left.type !== 'PrivateIdentifier')
          return operation(this.#number(node.left), this.#number(node.right));
        break;
      }
      case 'ArrayExpression':
        return node.elements.map((element) => {
          if (!element || element.type === 'SpreadElement') throw refused(node);
          const value = this.#expression(element, name);
          if (typeof value !== 'number' && !Array.isArray(value)) throw refused(element);
          return value as Nested;
        });
      case 'ObjectExpression':
        return this.#captures(node);
      case 'Identifier':
        if (node.name === 'Infinity') return Infinity;
        if (this.#declarations.named.has(node.name)) return this.value(node.name);
        throw new ProgramError(
          `${node.name} is not declared here. Declare it above, or import it from @heed/flex, /mods or /masks.`,
          placeOf(node),
        );
      case 'CallExpression':
        return this.#call(node);
      default:
    }
    throw refused(node);
  }

  #number(node: Expression): number {
    const value = this.#expression(node, '');
    if (typeof value === 'number') return value;
    throw new ProgramError('A number is wanted here.', placeOf(node));
  }

  #captures(node: ObjectExpression): Record<string, unknown> {
    const entries = node.properties.map((property) => {
      if (property.type !== 'Property' || property.computed || property.kind !== 'init')
        throw refused(property);
      const { key } = property;
      const name =
        key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : '';
      if (property.method) throw refused(property);
      const value = this.#expression(property.value, name);
      return [name, this.#capture(name, value, property.value)] as const;
    });
    return Object.fromEntries(entries);
  }

  #capture(name: string, value: unknown, node: Expression): unknown {
    if (Array.isArray(value)) {
      return this.#world.capture(
        name,
        placed(node, () => tableFromNested(value as Nested)),
      );
    }
    return value instanceof Formula ? this.#world.capture(name, value.table) : value;
  }

  #call(node: CallExpression): unknown {
    const { callee } = node;
    const args = node.arguments.map((arg) => {
      if (arg.type === 'SpreadElement') throw refused(arg);
      return arg;
    });
    const isName = callee.type === 'Identifier';
    if (isName && callee.name === 'table' && !this.#declarations.named.has('table'))
      return this.#table(node, args);
    const fn = isName ? this.#expression(callee, '') : undefined;
    if (!callable.has(fn)) throw refused(node);
    const values = args.map((arg) => this.#expression(arg, ''));
    return placed(node, () => (fn as (...all: readonly unknown[]) => unknown)(...values));
  }

  #table(node: CallExpression, args: readonly Expression[]): Formula {
    const [shapeNode, formulaNode] = args;
    const shape = shapeNode && this.#expression(shapeNode, 'shape');
    const formula = formulaNode && this.#expression(formulaNode, 'table');
    return new Formula(tableOfCall(shape, formula, placeOf(node)));
  }
}

/** A table that becomes a capture once its property, and so its name, is known. */
class Formula {
  readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
};

/** Attaches the position of an argument to errors that heed throws about it. */
function placed<T>(node: Expression, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new ProgramError(error instanceof Error ? error.message : String(error), placeOf(node));
  }
}

function refused(node: { readonly start: number; readonly end: number }): ProgramError {
  return new ProgramError(
    'A constant here is made of numbers, arrays, objects, functions, table(shape, formula), and bind, andMasks, orMasks, notMask, f32 or i32.',
    placeOf(node),
  );
}

/**
 * Creates the function object whose source heed reads. None of the visitor's code is executed.
 * @throws ProgramError if the text could mean something else in a script than in a module
 */
function functionObject({ name, text, start }: FunctionText): Function {
  if (!isOneFunction(text)) {
    throw new ProgramError(
      '<!-- and --> are comments in some places and not in others. Leave them out.',
      { from: start, to: start + text.length },
    );
  }
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const made = new Function(`return (${text}\n)`)() as Function;
  return Object.defineProperty(made, 'name', { value: name });
}

/**
 * Whether `new Function` also reads the text as one function expression. It parses scripts, in which `<!--` begins a comment,
 * while the editor's text is a module: a text that is one function in a module could be several statements in a script.
 */
function isOneFunction(text: string): boolean {
  const { body } = parse(`(${text}\n)`, { ecmaVersion: 'latest', sourceType: 'script' });
  const [only] = body;
  return body.length === 1 && only?.type === 'ExpressionStatement' && isFunction(only.expression);
}

type Named = Readonly<Record<string, Function>>;

/** The names that a text may import, by module. */
const library: Readonly<Record<string, Named>> = {
  '@heed/flex': { andMasks, bind, f32, i32, notMask, orMasks },
  '@heed/flex/mods': mods,
  '@heed/flex/masks': masks,
};

/** Functions that a constant may call. Mods are passed on, never called. */
const callable: ReadonlySet<unknown> = new Set(Object.values(library['@heed/flex']!));
