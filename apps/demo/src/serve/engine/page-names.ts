import type { KvEvents, PageName } from '@heed/kvcache';

interface Named {
  /** Of all tokens up to the page's end. */
  readonly tokens: readonly number[];
  readonly parent: PageName;
}

/** The prefixes that a cache can find, as its events tell them: names by tokens, and tokens by names. */
export class PageNames {
  readonly #named = new Map<PageName, Named>();
  readonly #byTokens = new Map<string, PageName>();

  stored({ name, parent, tokens }: KvEvents['stored']): void {
    const all = [...(this.#named.get(parent)?.tokens ?? []), ...tokens];
    this.#named.set(name, { tokens: all, parent });
    this.#byTokens.set(all.join(), name);
  }

  removed({ name }: KvEvents['removed']): void {
    const named = this.#named.get(name);
    if (named) this.#byTokens.delete(named.tokens.join());
    this.#named.delete(name);
  }

  cleared(): void {
    this.#named.clear();
    this.#byTokens.clear();
  }

  has(name: PageName): boolean {
    return this.#named.has(name);
  }

  /** The name of the page that ends with these tokens of a prompt; undefined when it cannot be found. */
  find(tokens: readonly number[]): PageName | undefined {
    return this.#byTokens.get(tokens.join());
  }

  /** The tokens of prefixes that nothing goes on from. */
  leaves(): (readonly number[])[] {
    const parents = new Set([...this.#named.values()].map(({ parent }) => parent));
    return [...this.#named].filter(([name]) => !parents.has(name)).map(([, { tokens }]) => tokens);
  }
}
