/**
 * The documents of a text: paragraphs, as blank lines part them. A fenced block of code stays whole, and a Markdown heading goes
 * with what follows it. Each ends with one line break.
 */
export function splitDocuments(text: string): string[] {
  const documents: string[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  const end = (): void => {
    const document = lines.join('\n').trim();
    if (document !== '') documents.push(`${document}\n`);
    lines = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const mark = /^\s*(```|~~~)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || fence === mark)) {
      fence = fence === undefined ? mark : undefined;
    }
    if (fence !== undefined || line.trim() !== '' || isOnlyHeadings(lines)) lines.push(line);
    else end();
  }
  end();
  return documents;
}

const isOnlyHeadings = (lines: readonly string[]): boolean =>
  lines.every((line) => line.trim() === '' || /^#{1,6} /.test(line));
