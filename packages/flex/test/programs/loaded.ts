type Mods = Readonly<Record<string, Function>>;

/** What a module of this code exports. */
export const load = (code: string): Promise<Mods> =>
  import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`) as Promise<Mods>;

/** A module that exports each function as `m0`, `m1` and so on. */
export const moduleOf = (texts: readonly string[]): string =>
  texts.map((text, i) => `export const m${i} = ${text};\n`).join('');
