/** Measured choices for one adapter, as plain JSON: made by a kernel package's `tune()`, kept by the caller, given to `openGpu`. */
export interface Tuning {
  readonly version: 1;
  /** Takes this tile path wherever it is possible at all; for tests and experiments. */
  readonly force?: { readonly path?: 'portable' | 'subgroup' | 'decode' };
  /** Per canonical problem, the parameters to use. */
  readonly entries?: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
}
