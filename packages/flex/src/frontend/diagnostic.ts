import { CompileError, type SourcePlace } from '@heed/core';

/** Where in a text: positions from its start. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

interface Text {
  readonly name: string;
  readonly text: string;
  readonly offset: number;
}

/** Characters shown either side of the caret: minified functions are one long line. */
const AROUND = 60;

/**
 * An error that shows the place in the user's source.
 *
 * @example
 * // compileMod: Math.random is not the same on every run.
 * //   2 |   return score + Math.random();
 * //     |                  ^^^^^^^^^^^
 * // Pass random numbers as a tensor in captures.
 */
export function compileError(
  caller: string,
  source: Text | undefined,
  at: Place | undefined,
  rule: string,
  remedy: string,
): CompileError {
  const inner = source?.name ? `in ${source.name}: ` : '';
  const lines = [`${caller}: ${inner}${rule}.`];
  const place = source?.text && at ? placeIn(source, at) : undefined;
  if (place) lines.push(...excerpt(source!.text, place));
  const error = new CompileError([...lines, remedy].join('\n'), place);
  starts.set(error, at?.start ?? 0);
  return error;
}

const misreadings = new WeakSet<object>();

/** Marks a fault that may only be there since the parameters were read as those of the other kind of mod. */
export function misread(error: CompileError): CompileError {
  misreadings.add(error);
  return error;
}

export function isMisread(error: unknown): boolean {
  return misreadings.has(error as object);
}

const starts = new WeakMap<object, number>();

/** How far into the source the translation had come when it failed. */
export function startOf(error: unknown): number {
  return starts.get(error as object) ?? 0;
}

function placeIn({ text, offset }: Text, { start, end }: Place): SourcePlace {
  const before = text.slice(0, Math.max(start - offset, 0)).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1, length: end - start };
}

function excerpt(text: string, { line, column, length }: SourcePlace): string[] {
  const whole = text.split('\n')[line - 1]!;
  const at = column - 1;
  const from = Math.max(at - AROUND, 0);
  const shown = whole.slice(from, at + AROUND).replaceAll('\t', ' ');
  const width = Math.max(Math.min(length, from + shown.length - at), 1);
  const lead = from > 0 ? '…' : '';
  const gutter = `  ${line} | `;
  return [
    `${gutter}${lead}${shown}`,
    `${' '.repeat(gutter.length - 2)}| ${' '.repeat(lead.length + at - from)}${'^'.repeat(width)}`,
  ];
}
