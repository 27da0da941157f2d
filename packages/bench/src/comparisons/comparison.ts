import type { Gpu } from '@heed/core';
import type { Run } from '../measure.ts';
import type { Unsupported } from '../peer.ts';
import type { Summary } from '../stats.ts';

/** Something set up to be timed. */
export interface Job {
  /** Does the work once; resolves when it is done, an output on the host. */
  readonly run: Run;
  /** How far the latest output is from float64, where there is one; the limit is that of the error budgets. */
  readonly check?: () => Distance;
  readonly dispose: () => void;
}

export interface Distance {
  readonly maxError: number;
  readonly limit: number;
}

/** What is promised of a contestant; nothing of most. */
export interface Promised {
  /** The most that its time over the first contestant's should be. */
  readonly atMost?: number;
  /** The least that it should be: how much faster the first one is. */
  readonly atLeast?: number;
  /** The most milliseconds that it should take. */
  readonly atMostMs?: number;
}

/** One side of a comparison. */
export interface Contestant extends Promised {
  readonly name: string;
  /** The call, in a few words. */
  readonly how: string;
  readonly prepare: (gpu: Gpu) => Promise<Job | Unsupported>;
}

/** Calls of one program beside one another; times are given as multiples of the first one's. */
export interface Comparison {
  readonly id: string;
  readonly title: string;
  /** Runs when neither --all nor a name is given. */
  readonly headline?: boolean;
  readonly contestants: readonly Contestant[];
}

/** What came of a contestant. */
export interface Placed extends Promised {
  readonly name: string;
  readonly how: string;
  readonly firstUseMs: number;
  readonly distance?: Distance;
  readonly ms: Summary;
  /** Its time over the first one's, round by round. */
  readonly ratio: Summary;
  readonly samples: readonly number[];
}

export interface ComparisonResult {
  readonly id: string;
  readonly title: string;
  readonly rounds: number;
  readonly placed: readonly Placed[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}
