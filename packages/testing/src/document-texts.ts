import { vi } from 'vitest';

declare global {
  interface ImportMeta {
    /** Vite's: returns the files that match a pattern as text, by path. */
    glob(
      patterns: readonly string[],
      options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true },
    ): Readonly<Record<string, string>>;
  }
}

/** A numbered section of a guide. */
export interface GuideExample {
  readonly title: string;
  readonly code: string;
  /** The stated output, per call of console.log. */
  readonly printed: readonly string[];
}

const fences = (language: string, text: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);

/** Removes trailing blanks of lines, and blank lines at the end. */
export const trimmed = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

/** Returns the sections of a document, by heading. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]),
  );
}

/** Returns the code blocks of a text. */
export const codeBlocks = (text: string): string[] => fences('ts', text);

/**
 * Returns the examples of a guide. The stated output of a `console.log` is the comment after it, or the next text block below the
 * code.
 */
export function guideExamples(markdown: string): GuideExample[] {
  return [...sectionsOf(markdown)]
    .filter(([title]) => /^\d+\. /.test(title))
    .map(([title, text]) => {
      const code = codeBlocks(text)[0] ?? '';
      const blocks = fences('text', text);
      const logs = [...code.matchAll(/console\.log\(.*\);(?: \/\/ (.*))?$/gm)];
      const printed = logs.map(([, comment]) => comment ?? trimmed(blocks.shift() ?? '(no text)'));
      return { title, code, printed: [...printed, ...blocks.map(() => '(printed by nothing)')] };
    });
}

/** Returns the cells of the first table of a section, per row, without code marks. */
export function tableRows(section: string): string[][] {
  const lines = section.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|---'));
  const rows = lines.slice(start + 1);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll('`', '')),
  );
}

/** Returns the code of each `@example` of a source file. */
export function docstringExamples(source: string): string[] {
  return [...source.matchAll(/^ *\* @example\n([^]*?)\*\//gm)].map((match) =>
    match[1]!.replaceAll(/^ *\* ?/gm, '').trim(),
  );
}

/** Splits an example into statements: a line with the indented lines below it. */
export const statementsOf = (example: string): string[] => example.split(/\n(?! )/);

/** Removes everything from code that a formatter decides. */
export function bare(code: string): string {
  return code.replaceAll(/\s+/g, '').replaceAll(/,([)\]}])/g, '$1');
}

/** Runs code; returns the arguments of each call of console.log. */
export async function printedBy(run: () => unknown): Promise<unknown[][]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await run();
    return log.mock.calls;
  } finally {
    log.mockRestore();
  }
}

/** Renders the arguments of console.log as a console does, for the values in guides. */
export const shown = (values: readonly unknown[]): string =>
  trimmed(values.map((x) => (Array.isArray(x) ? `[ ${x.join(', ')} ]` : String(x))).join(' '));
