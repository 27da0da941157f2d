import type { RotaryTables } from '../kernels/parts/rotary.ts';

/** How new rows are laid out, and what is done to them. */
export interface AppendOptions {
  /** `[N + 1]`: 0, then the end of each sequence's rows; the last is T. Default: all sequences have the same number. */
  readonly cuSeqlens?: Int32Array | BigInt64Array;
  /**
   * Turns the new keys by their positions in their sequences before they are stored (and quantised), in f32 and in the same
   * dispatch; `rotate` does it to queries. Positions beyond the tables are a ValidationError.
   */
  readonly rotary?: RotaryTables;
}
