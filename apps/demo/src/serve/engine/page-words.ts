import { countPages, type PageFacts } from './page-book.ts';

/** Tokens as text in one line: `↵` for a new line, `·` for what has no looks. */
export function printable(tokens: readonly number[]): string {
  const text = new TextDecoder().decode(Uint8Array.from(tokens));
  return Array.from(text, (char) => (char === '\n' ? '↵' : char < ' ' ? '·' : char)).join('');
}

/** One page in a line. */
export function describePage(facts: PageFacts, pageSize: number): string {
  const { page, state, owners, tokens, position, name } = facts;
  if (state === 'free') return `Page ${page}, free`;
  const end = position + tokens.length - 1;
  const parts = [
    `Page ${page}`,
    state === 'cached' ? 'cached, found by its tokens' : ownersText(owners),
    tokens.length === 1 ? `position ${position}` : `positions ${position} to ${end}`,
    tokens.length === pageSize ? 'full' : `${tokens.length} of ${pageSize} tokens`,
    ...(name === undefined ? [] : [`name ${name.slice(0, 8)}`]),
  ];
  return `${parts.join(', ')}: “${printable(tokens)}”`;
}

/** The whole picture in a sentence or two. */
export function summaryOf(pages: readonly PageFacts[]): string {
  const { used, shared, cached, free } = countPages(pages);
  const byOwner = new Map<string, number>();
  for (const { owners } of pages) {
    for (const owner of owners) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
  }
  const owned = [...byOwner].map(([owner, count], i) =>
    i === 0 ? `${owner} has ${count} ${count === 1 ? 'page' : 'pages'}` : `${owner} has ${count}`,
  );
  const sum = `${used + shared} of ${pages.length} pages in use, ${shared} of them shared; ${cached} cached, ${free} free.`;
  return owned.length === 0 ? sum : `${sum} ${owned.join(', ')}.`;
}

function ownersText(owners: readonly string[]): string {
  if (owners.length === 1) return `of ${owners[0]}`;
  return `shared by ${owners.slice(0, -1).join(', ')} and ${owners.at(-1)}`;
}
