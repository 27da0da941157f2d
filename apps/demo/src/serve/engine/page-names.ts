import type { KvEvents, PageName } from '@heed/kvcache';

/** The prefixes that a cache can find, as its events tell them: names by tokens, and tokens by names. */
export class PageNames {
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

  /** The name of the page that ends with these tokens of a prompt; undefined when it cannot be found. */
  find(tokens: readonly number[]): PageName | undefined {
    return this.#byTokens.get(tokens.join());
  }
}
