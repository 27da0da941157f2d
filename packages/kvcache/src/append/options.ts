import type { RotaryTables } from '../kernels/parts/rotary.ts';

/** How new rows are laid out, and what is done to them. */
export interface AppendOptions {
  /** [N + 1]: 0, then the end of each sequence's rows. Default: all sequences have the same number. */
  readonly cuSeqlens?: Int32Array;
  /** Turns the new keys by their positions before they are stored; `rotate` does it to queries. */
  readonly rotary?: RotaryTables;
}
