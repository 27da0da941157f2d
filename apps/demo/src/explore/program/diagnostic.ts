import type { FunctionText } from './parse.ts';
import { type Place, ProgramError } from './place.ts';

/** A message for a place of the editor's text. */
export interface Diagnostic extends Place {
  readonly message: string;
}

// "compileMod: in name: rule.", "  3 | line of source", "    |    ^^^", and the remedy. See @heed/flex.
const excerpt = /^[\w.]+: (?:in ([^:]+): )?([^]*?)\n {2}(\d+) \| (.*)\n +\| ( *)(\^+)\n([^]*)$/;

/**
 * Where an error belongs in the editor's text. A CompileError shows the line and a caret, counted from the start of the
 * function that it names.
 */
export function diagnose(
  error: unknown,
  functions: readonly FunctionText[],
  length: number,
): Diagnostic {
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

// Functions without a name of their own, and several of the same name: the line must be the one that is shown.
const holds = ({ text }: FunctionText, line: number, shown: string): boolean =>
  (text.split('\n')[line - 1]?.replaceAll('\t', ' ') ?? '').includes(shown.replace(/^…/, ''));

/** Long lines are shown from somewhere in their middle, with a leading ellipsis. */
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
