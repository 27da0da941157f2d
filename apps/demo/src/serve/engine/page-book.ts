import type { KvEvents, PageName } from '@heed/kvcache';

/** The pages and tokens of a sequence after a step. */
interface Written {
  /** Physical pages in logical order, including pages that held only a guess. */
  readonly pages: readonly number[];
  /** The tokens that remain, all of them committed. */
  readonly tokens: readonly number[];
}

/** An open sequence and its pages. */
interface Owned {
  readonly owner: string;
  readonly pages: readonly number[];
}

/** 'used': by one sequence; 'shared': by several; 'cached': by none, but `open` can find its tokens. */
type PageState = 'used' | 'shared' | 'cached' | 'free';

/** One page, as the page grid shows it. */
export interface PageFacts {
  /** From 1; page 0 is never allocated. */
  readonly page: number;
  readonly state: PageState;
  readonly owners: readonly string[];
  /** The page's own tokens. */
  readonly tokens: readonly number[];
  /** The position of the first of them. */
  readonly position: number;
  /** The name of a full page that `open` can find. */
  readonly name: PageName | undefined;
}

type Content = Pick<PageFacts, 'tokens' | 'position' | 'name'>;

const nothing: Content = { tokens: [], position: 0, name: undefined };

/**
 * Tracks the contents and owners of each page from the cache's events and the pages of its sequences. Between steps its counts
 * equal those of `cache.stats()`.
 */
export class PageBook {
  readonly #names: PageNames = new PageNames();
  readonly #pageSize: number;
  #content: Content[];
  #owners: string[][];

  constructor(pages: number, pageSize: number) {
    this.#pageSize = pageSize;
    this.#content = Array.from({ length: pages + 1 }, () => nothing);
    this.#owners = this.#noOwners();
  }

  stored(event: KvEvents['stored']): void {
    this.#names.stored(event);
    const { page, name, depth, tokens } = event;
    this.#content[page] = { tokens: [...tokens], position: depth * this.#pageSize, name };
  }

  removed(event: KvEvents['removed']): void {
    this.#names.removed(event);
    this.#content[event.page] = nothing;
  }

  cleared(): void {
    this.#names.cleared();
    this.#content = this.#content.map(() => nothing);
  }

  /** Takes the result of a step: the pages it wrote, finished sequences included, and the pages of open sequences. */
  update(written: readonly Written[], owned: readonly Owned[]): void {
    for (const one of written) this.#write(one);
    this.#owners = this.#noOwners();
    for (const { owner, pages } of owned) {
      for (const page of pages) this.#owners[page]!.push(owner);
    }
  }

  pages(): PageFacts[] {
    return this.#content.slice(1).map((_, i) => this.#facts(i + 1));
  }

  #facts(page: number): PageFacts {
    const owners = this.#owners[page]!;
    const content = this.#content[page]!;
    if (owners.length > 0)
      return { page, state: owners.length > 1 ? 'shared' : 'used', owners, ...content };
    if (content.name === undefined) return { page, state: 'free', owners, ...nothing };
    return { page, state: 'cached', owners, ...content };
  }

  #write({ pages, tokens }: Written): void {
    pages.forEach((page, i) => {
      const [position, end] = [i * this.#pageSize, (i + 1) * this.#pageSize];
      // This page held only a rejected guess.
      if (position >= tokens.length) return void (this.#content[page] = nothing);
      const name = end <= tokens.length ? this.#names.find(tokens.slice(0, end)) : undefined;
      this.#content[page] = { tokens: tokens.slice(position, end), position, name };
    });
  }

  #noOwners(): string[][] {
    return this.#content.map(() => []);
  }
}

/** Counts the pages in each state. */
export function countPages(pages: readonly PageFacts[]): Readonly<Record<PageState, number>> {
  const counts = { used: 0, shared: 0, cached: 0, free: 0 };
  for (const { state } of pages) counts[state]++;
  return counts;
}

/** The prefixes that a cache can find, according to its events: names by tokens, and tokens by name. */
class PageNames {
  /** All tokens up to the page's end. */
  readonly #tokens = new Map<PageName, readonly number[]>();
  readonly #byTokens = new Map<string, PageName>();

  stored({ name, parent, tokens }: KvEvents['stored']): void {
    const all = [...(this.#tokens.get(parent) ?? []), ...tokens];
    this.#tokens.set(name, all);
    this.#byTokens.set(all.join(), name);
  }

  removed({ name }: KvEvents['removed']): void {
    const tokens = this.#tokens.get(name);
    if (tokens) this.#byTokens.delete(tokens.join());
    this.#tokens.delete(name);
  }

  cleared(): void {
    this.#tokens.clear();
    this.#byTokens.clear();
  }

  /** Returns the name of the page that ends this prefix, if the cache can find it. */
  find(tokens: readonly number[]): PageName | undefined {
    return this.#byTokens.get(tokens.join());
  }
}

/** Returns tokens as one line of text: `↵` for a line break, `·` for other control characters. */
function printable(tokens: readonly number[]): string {
  const text = new TextDecoder().decode(Uint8Array.from(tokens));
  return Array.from(text, (char) => (char === '\n' ? '↵' : char < ' ' ? '·' : char)).join('');
}

/** Describes one page in a line. */
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

/** Summarises all pages in a sentence or two. */
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
