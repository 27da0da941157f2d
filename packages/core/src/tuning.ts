import type { Capabilities } from './device/capabilities.ts';

/** Measured choices for one adapter, as plain JSON: made by a kernel package's `tune()`, kept by the caller, given to `openGpu`. */
export interface Tuning {
  readonly version: 1;
  /** Where the entries were measured: on another adapter none of them is used. Left out, they are used on any. */
  readonly adapter?: TunedAdapter;
  /** Takes this tile path wherever it is possible at all, entries or not; for tests and experiments. */
  readonly force?: { readonly path?: 'portable' | 'subgroup' | 'matrix' | 'decode' };
  /** Per canonical problem, the parameters to use. One that this device cannot run is passed over; a plan's `describe()` says so. */
  readonly entries?: Readonly<Record<string, TuningEntry>>;
}

/** The parameters of one kernel. */
export type TuningEntry = Readonly<Record<string, number | string | boolean>>;

/** An adapter's names, as far as its browser or Dawn tells them. */
export type TunedAdapter = Pick<
  Capabilities['adapter'],
  'vendor' | 'architecture' | 'device' | 'description'
>;
