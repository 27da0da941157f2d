/** What the tests need of a package without types. */
declare module 'uglify-js' {
  export function minify(
    code: string,
    options: { readonly module: boolean },
  ): { readonly code: string; readonly error?: Error };
}
