import type { PageName } from '@heed/kvcache';
import { PageNames } from './page-names.ts';

/** A sequence and the pages that its block table names. */
export interface Table {
  readonly owner: string;
  /** Physical pages in logical order. Those behind the tokens' end are not its own any more. */
  readonly pages: readonly number[];
  /** The tokens whose keys and values those pages hold, all of them committed. */
  readonly tokens: readonly number[];
}

/** 'used' by one sequence, 'shared' by several, 'cached': nobody has it, but its tokens are found. */
export type PageState = 'used' | 'shared' | 'cached' | 'free';

/** One page as it is drawn. */
export interface PageFacts {
  /** From 1 on; page 0 is never given out. */
  readonly page: number;
  readonly state: PageState;
  readonly owners: readonly string[];
  /** The page's own tokens. */
  readonly tokens: readonly number[];
  /** The position of the first of them. */
  readonly position: number;
  /** Of a full page that `open` finds. */
  readonly name: PageName | undefined;
}

type Content = Pick<PageFacts, 'tokens' | 'position' | 'name'>;

const nothing: Content = { tokens: [], position: 0, name: undefined };

/**
 * Which page holds what, from what the cache tells the world: block tables, as attention reads them on the GPU, and events.
 * Between steps it counts as `cache.stats()` does.
 */
export class PageBook {
  readonly names: PageNames = new PageNames();
  readonly #pageSize: number;
  readonly #content: Content[];
  #owners: string[][];

  constructor(pages: number, pageSize: number) {
    this.#pageSize = pageSize;
    this.#content = Array.from({ length: pages + 1 }, () => nothing);
    this.#owners = this.#nobody();
  }

  /**
   * @param seen tables that a step wrote to, with the tokens that are left of it
   * @param live those of sequences that are still open
   */
  update(seen: readonly Table[], live: readonly Table[]): void {
    for (const table of seen) this.#write(table);
    this.#owners = this.#nobody();
    for (const { owner, pages, tokens } of live) {
      const count = Math.ceil(tokens.length / this.#pageSize);
      for (const page of pages.slice(0, count)) this.#owners[page]!.push(owner);
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
    const isFound = content.name !== undefined && this.names.has(content.name);
    return { page, state: isFound ? 'cached' : 'free', owners, ...(isFound ? content : nothing) };
  }

  #write({ pages, tokens }: Table): void {
    pages.forEach((page, i) => {
      const [position, end] = [i * this.#pageSize, (i + 1) * this.#pageSize];
      // A guess that was refused was written there.
      if (position >= tokens.length) return void (this.#content[page] = nothing);
      const name = end <= tokens.length ? this.names.find(tokens.slice(0, end)) : undefined;
      this.#content[page] = { tokens: tokens.slice(position, end), position, name };
    });
  }

  #nobody(): string[][] {
    return this.#content.map(() => []);
  }
}

/** How many pages are in each state. */
export function countPages(pages: readonly PageFacts[]): Readonly<Record<PageState, number>> {
  const counts = { used: 0, shared: 0, cached: 0, free: 0 };
  for (const { state } of pages) counts[state]++;
  return counts;
}
