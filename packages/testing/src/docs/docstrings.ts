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
