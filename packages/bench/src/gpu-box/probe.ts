import type { BoxCase } from './case.ts';

/** A tensor that a case computes. */
export type Output = 'out' | 'dq' | 'dk' | 'dv';

/** Rows of one head that are looked at, since float64 cannot follow all of them. */
export interface Probe {
  readonly output: Output;
  readonly batch: number;
  /** Of queries, or of keys for dk and dv. */
  readonly head: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

const ROWS = { forward: 16, backward: 128 } as const;

/** What is looked at: rows from the middle and from the end, of the last head of the last batch entry. */
export function probesOf({ pass, batch, headsQ, headsKv, seqlenQ, seqlenK }: BoxCase): Probe[] {
  const rows = ROWS[pass];
  const at = (output: Output, heads: number, seqlen: number, end: number): Probe => ({
    output,
    batch: batch - 1,
    head: heads - 1,
    rowStart: Math.max(0, Math.min(end, seqlen) - rows),
    rowEnd: Math.min(end, seqlen),
  });
  if (pass === 'backward') {
    return [
      at('dq', headsQ, seqlenQ, seqlenQ),
      // Only the last queries see the last keys.
      at('dk', headsKv, seqlenK, seqlenK),
      at('dv', headsKv, seqlenK, seqlenK),
    ];
  }
  const ends = seqlenQ > 2 * rows ? [Math.floor(seqlenQ / 2) + 3, seqlenQ] : [seqlenQ];
  return ends.map((end) => at('out', headsQ, seqlenQ, end));
}
