import { CompileError } from '@heed/core';

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
  if (source && at) lines.push(...excerpt(source, at));
  const error = new CompileError([...lines, remedy].join('\n'));
  starts.set(error, at?.start ?? 0);
  return error;
}

const starts = new WeakMap<object, number>();

/** How far into the source the translation had come when it failed. */
export function startOf(error: unknown): number {
  return starts.get(error as object) ?? 0;
}

function excerpt({ text, offset }: Text, at: Place): string[] {
  const start = Math.min(Math.max(at.start - offset, 0), text.length);
  const before = text.slice(0, start).split('\n');
  const line = text.split('\n')[before.length - 1]!;
  const column = before.at(-1)!.length;
  const from = Math.max(column - AROUND, 0);
  const shown = line.slice(from, column + AROUND).replaceAll('\t', ' ');
  const width = Math.max(Math.min(at.end - at.start, from + shown.length - column), 1);
  const lead = from > 0 ? '…' : '';
  const gutter = `  ${before.length} | `;
  return [
    `${gutter}${lead}${shown}`,
    `${' '.repeat(gutter.length - 2)}| ${' '.repeat(lead.length + column - from)}${'^'.repeat(width)}`,
  ];
}
