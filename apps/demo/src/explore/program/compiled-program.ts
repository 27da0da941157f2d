import { type CompiledFunction, compileMod, type MaskMod, type ScoreMod } from '@heed/flex';
import { type Nested, nestedOf, type Table } from './capture-table.ts';
import {
  type Declarations,
  type FunctionText,
  parseProgram,
  type Place,
  ProgramError,
} from './declarations.ts';
import { Evaluation } from './evaluation.ts';

/** The mods of a program with their captures, ready for a call. */
export interface Mods {
  readonly scoreMod?: ScoreMod;
  readonly maskMod?: MaskMod;
  readonly captures: Record<string, never>;
}

/** A compiled program: the editor's text. */
export interface Program {
  readonly score?: CompiledFunction;
  readonly mask?: CompiledFunction;
  /** Tables by name, as nested arrays for the CPU twin. */
  readonly tables: Readonly<Record<string, Nested>>;
  /** Returns the mods, with each table replaced by the result of `tensor`. */
  readonly mods: (tensor: (table: Table) => unknown) => Mods;
}

type Compilation =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Compiles the `scoreMod` and `maskMod` of a text with its `captures`. Needs no GPU, and never executes the text. */
export function compileProgram(text: string): Compilation {
  const functions: FunctionText[] = [];
  try {
    const declarations = parseProgram(text);
    const tables = new Map<string, Table>();
    const capture = (name: string, table: Table): Table => {
      if (tables.has(name) && !isSame(tables.get(name)!, table)) {
        throw new ProgramError(
          `Two tables have the name ${name}. Give one of them another: the page shows captures by name.`,
          { from: 0, to: text.length },
        );
      }
      tables.set(name, table);
      return table;
    };
    const { scoreMod, maskMod, captures } = modsOf(declarations, {
      capture,
      made: (fn) => functions.push(fn),
    });
    const score = scoreMod && compileMod(scoreMod, captures, { kind: 'score' });
    const mask = maskMod && compileMod(maskMod, captures, { kind: 'mask' });
    return {
      ok: true,
      program: {
        ...(score && { score }),
        ...(mask && { mask }),
        tables: Object.fromEntries([...tables].map(([name, table]) => [name, nestedOf(table)])),
        mods: (tensor) =>
          modsOf(declarations, { capture: (_, table) => tensor(table), made: () => {} }),
      },
    };
  } catch (error) {
    return { ok: false, diagnostic: diagnose(error, functions, text.length) };
  }
}

function modsOf(
  declarations: Declarations,
  world: ConstructorParameters<typeof Evaluation>[1],
): Mods {
  const evaluation = new Evaluation(declarations, world);
  const mod = (name: string): unknown => {
    const value = evaluation.value(name);
    if (value === undefined || typeof value === 'function') return value;
    throw new ProgramError(`${name} must be a function.`, {
      from: 0,
      to: declarations.text.length,
    });
  };
  const [scoreMod, maskMod] = [mod('scoreMod'), mod('maskMod')];
  if (!scoreMod && !maskMod) {
    throw new ProgramError(
      'Declare a scoreMod or a maskMod: const maskMod = (b, h, q, kv) => q >= kv;',
      { from: 0, to: declarations.text.length },
    );
  }
  return {
    ...(scoreMod ? { scoreMod: scoreMod as ScoreMod } : {}),
    ...(maskMod ? { maskMod: maskMod as MaskMod } : {}),
    captures: (evaluation.value('captures') ?? {}) as Record<string, never>,
  };
}

const isSame = (a: Table, b: Table): boolean =>
  a.dtype === b.dtype && a.shape.join() === b.shape.join() && a.data.join() === b.data.join();

/** An error message for a range of the editor's text. */
export interface Diagnostic extends Place {
  readonly message: string;
}

// A CompileError of @heed/flex: "compileMod: in name: rule.", "  3 | line of source", "    |    ^^^", and the remedy.
const excerpt = /^[\w.]+: (?:in ([^:]+): )?([^]*?)\n {2}(\d+) \| (.*)\n +\| ( *)(\^+)\n([^]*)$/;

/**
 * Finds the range of the editor's text to which an error belongs. A CompileError shows a line, counted from the start of the
 * function that it names, and a caret.
 */
function diagnose(error: unknown, functions: readonly FunctionText[], length: number): Diagnostic {
  if (error instanceof ProgramError) {
    const { from, to } = error.place;
    return clamp({ from, to, message: error.message }, length);
  }
  const text = error instanceof Error ? error.message : String(error);
  const [, name, rule, line, shown, indent, carets, remedy] = excerpt.exec(text) ?? [];
  const fn = functions.find(
    (candidate) => candidate.name === name && holds(candidate, Number(line), shown ?? ''),
  );
  if (!fn) return { from: 0, to: length, message: text };
  const from = fn.start + offsetOf(fn.text, Number(line), shown!, indent!.length);
  return clamp({ from, to: from + carets!.length, message: `${rule}\n${remedy}` }, length);
}

// Several functions may share a name, so the function must also contain the line that the message shows.
const holds = ({ text }: FunctionText, line: number, shown: string): boolean =>
  (text.split('\n')[line - 1]?.replaceAll('\t', ' ') ?? '').includes(shown.replace(/^…/, ''));

/** Returns the offset of the caret. The message shows a long line from its middle, after an ellipsis. */
function offsetOf(text: string, line: number, shown: string, indent: number): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  if (!shown.startsWith('…')) return before + indent;
  const cut = lines[line - 1]!.replaceAll('\t', ' ').indexOf(shown.slice(1));
  return before + cut + indent - 1;
}

function clamp({ from, to, message }: Diagnostic, length: number): Diagnostic {
  const start = Math.min(from, Math.max(length - 1, 0));
  return { from: start, to: Math.max(Math.min(to, length), Math.min(start + 1, length)), message };
}

/** Renders a diagnostic: position, line and carets, then the rule and the remedy. */
export function excerptOf(text: string, { from, to, message }: Diagnostic): string {
  const before = text.slice(0, from).split('\n');
  const line = text.split('\n')[before.length - 1] ?? '';
  const column = before.at(-1)!.length;
  if (to - from === text.length) return message;
  const width = Math.max(1, Math.min(to - from, line.length - column));
  const gutter = `${before.length} | `;
  return [
    `Line ${before.length}, column ${column + 1}: ${message.split('\n')[0]}`,
    `${gutter}${line.replaceAll('\t', ' ')}`,
    `${' '.repeat(gutter.length + column)}${'^'.repeat(width)}`,
    ...message.split('\n').slice(1),
  ].join('\n');
}
