interface ImportMeta {
  /** vite's: the files that match a pattern, as text, by their paths. */
  glob(
    patterns: readonly string[],
    options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true },
  ): Readonly<Record<string, string>>;
}
