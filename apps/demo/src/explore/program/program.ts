import { compileMod, type CompiledFunction, type MaskMod, type ScoreMod } from '@heed/flex';
import { Evaluation } from './evaluate.ts';
import { type Diagnostic, diagnose } from './diagnostic.ts';
import { type Declarations, type FunctionText, parseProgram } from './parse.ts';
import { ProgramError } from './place.ts';
import { type Nested, nestedOf, type Table } from './table.ts';

/** The mods of a text with the captures that they read, ready for a call. */
export interface Mods {
  readonly scoreMod?: ScoreMod;
  readonly maskMod?: MaskMod;
  readonly captures: Record<string, never>;
}

/** A text that heed has compiled. */
export interface Program {
  readonly score?: CompiledFunction;
  readonly mask?: CompiledFunction;
  /** Tables by name, as the CPU twin takes them. */
  readonly tables: Readonly<Record<string, Nested>>;
  /** The mods with tables made by `tensor`. */
  readonly mods: (tensor: (table: Table) => unknown) => Mods;
}

export type Compilation =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Compiles `scoreMod` and `maskMod` of a text, with its `captures`; needs no GPU, and runs nothing of the text. */
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
