/** Source text with line numbers, as compilers count them: from 1. */
export function numberedSource(code: string): string {
  const lines = code.split('\n');
  const width = String(lines.length).length;
  return lines.map((line, i) => `${String(i + 1).padStart(width)} | ${line}`.trimEnd()).join('\n');
}
