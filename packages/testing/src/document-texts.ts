import { vi } from 'vitest';

declare global {
  interface ImportMeta {
    /** vite's: the files that match a pattern, as text, by their paths. */
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
  /** What it prints, call by call, as the guide states it. */
  readonly printed: readonly string[];
}

const fences = (language: string, text: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);

/** Lines without trailing blanks, and no blank lines at the end. */
export const trimmed = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

/** The sections of the guide, by heading. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]),
  );
}

/** The code blocks of a text. */
export const codeBlocks = (text: string): string[] => fences('ts', text);

/**
 * The examples of the guide. A `console.log` prints the comment behind it; one without a comment prints the next text block
 * under the code.
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

/** The cells of the rows of the first table under a heading, code marks taken off. */
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

/** The `@example`s of a source file, as code. */
export function docstringExamples(source: string): string[] {
  return [...source.matchAll(/^ *\* @example\n([^]*?)\*\//gm)].map((match) =>
    match[1]!.replaceAll(/^ *\* ?/gm, '').trim(),
  );
}

/** The statements of an example: lines, and what is indented under them. */
export const statementsOf = (example: string): string[] => example.split(/\n(?! )/);

/** Code without what a formatter decides. */
export function bare(code: string): string {
  return code.replaceAll(/\s+/g, '').replaceAll(/,([)\]}])/g, '$1');
}

/** What a piece of code prints, call by call. */
export async function printedBy(run: () => unknown): Promise<unknown[][]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await run();
    return log.mock.calls;
  } finally {
    log.mockRestore();
  }
}

/** A call of console.log as a console shows it, for the values that guides print. */
export const shown = (values: readonly unknown[]): string =>
  trimmed(values.map((x) => (Array.isArray(x) ? `[ ${x.join(', ')} ]` : String(x))).join(' '));
