import type { Diagnostic } from '../program/diagnostic.ts';

/** A diagnostic for reading: place, line and carets, then what is wrong and what to do. */
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
