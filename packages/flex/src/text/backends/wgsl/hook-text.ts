import type { Input, Node, RangeOf, ScalarSlot, TableSlot } from '../../ir/expression-node.ts';
import { rangeFunction, readFunction } from './captured-tables.ts';
import { type Helper, Level, type Text, writeBody } from './expression-text.ts';
import { helperName, helperText } from './helper-functions.ts';
import { FieldList, type HookField } from './hook-fields.ts';

/** The texts of the inputs inside a function. */
export type InputNames = { readonly [I in Input]?: string };

export interface FunctionText {
  /** `fn name(…) -> type` */
  readonly signature: string;
  readonly inputs: InputNames;
  readonly roots: readonly Node[];
  /** Combines the texts of the roots to the text that is returned. Default: the first. */
  result?(texts: readonly string[]): string;
  /** Nodes that are computed elsewhere, with the texts that stand for them. */
  readonly known?: ReadonlyMap<Node, string>;
}

/**
 * Writes the functions of one hook, and collects their uniform fields, readers of tables and helpers. Every name is the hook's
 * name with a suffix.
 */
export class HookText {
  readonly #name: string;
  readonly #fields: FieldList;
  readonly #helpers = new Set<Helper>();
  readonly #tables = new Map<string, string>();
  readonly #functions: string[] = [];

  constructor(name: string) {
    this.#name = name;
    this.#fields = new FieldList(name);
  }

  get fields(): readonly HookField[] {
    return this.#fields.all;
  }

  /** The declarations, each function before its callers. */
  get text(): string {
    const helpers = helperText(this.#name, this.#helpers);
    return [...helpers, ...this.#tables.values(), ...this.#functions].join('\n\n');
  }

  /** Returns the text of the row-major index of a table's element; indices clamp. */
  element(slot: TableSlot, indices: readonly string[]): string {
    return indices.reduce((at, index, axis) => {
      const last = this.#fields.read({ kind: 'last', slot, axis });
      const clamped = `u32(clamp(${index}, 0, ${last}))`;
      return at === '' ? clamped : `(${at}) * u32(${last} + 1) + ${clamped}`;
    }, '');
  }

  declare(text: string): void {
    this.#functions.push(text);
  }

  add({ signature, inputs, roots, known, result = ([text]) => text! }: FunctionText): void {
    const { lets, results } = writeBody(roots, {
      leaf: (node, args) => this.#leaf(node, args, inputs),
      helper: (name) => {
        this.#helpers.add(name);
        return helperName(this.#name, name);
      },
      known: (node) => known?.get(node),
    });
    const lines = [...lets, `return ${result(results)};`].map((line) => `  ${line}`);
    this.#functions.push([`${signature} {`, ...lines, '}'].join('\n'));
  }

  #leaf({ op, data }: Node, args: readonly Text[], inputs: InputNames): Text {
    const list = args.map(({ text }) => text).join(', ');
    switch (op) {
      case 'input':
        return unary(inputs[data as Input]!);
      case 'param':
        return this.#scalar(data as ScalarSlot);
      case 'read':
        return unary(`${this.#reader(data as TableSlot)}(${list})`);
      default:
        return unary(`${this.#ranger(data as RangeOf)}(${list})`);
    }
  }

  #scalar(slot: ScalarSlot): Text {
    const text = this.#fields.read({ kind: 'scalar', slot });
    return slot.type === 'bool' ? { text: `${text} != 0u`, level: Level.relation } : unary(text);
  }

  #reader(slot: TableSlot): string {
    const name = `${this.#name}_read${slot.index}`;
    if (!this.#tables.has(name)) this.#tables.set(name, readFunction(name, this.#fields, slot));
    return name;
  }

  #ranger({ slot, axis }: RangeOf): string {
    const name = `${this.#name}_range${slot.index}_${axis}`;
    const reader = this.#reader(slot);
    if (!this.#tables.has(name)) {
      this.#tables.set(name, rangeFunction(name, reader, this.#fields, slot, axis));
    }
    return name;
  }
}

const unary = (text: string): Text => ({ text, level: Level.unary });
