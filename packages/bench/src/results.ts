import type { Tuning } from '@heed/core';
import type { ComparisonResult } from './comparisons/comparison.ts';
import type { Limits } from './roofline/limits.ts';
import type { Summary } from './stats.ts';
import type { Verdict } from './verdict.ts';
import type { Workload } from './workloads.ts';

/** A program whose result was checked, with what the first use took. */
export interface Checked extends Verdict {
  readonly peer: string;
  readonly how: string;
  /** Milliseconds of set-up and the first run: shader compilation is nearly all of it. */
  readonly firstUseMs: number;
}

/** A program that was timed. Times are milliseconds until the output was on the host. */
export interface Timed extends Checked {
  readonly ms: Summary;
  readonly gflops: number;
  /** This program's time over heed's, round by round; absent when heed did not run. */
  readonly ratio?: Summary;
  readonly samples: readonly number[];
}

/** A program that did not take part, and why. */
export interface Skipped {
  readonly peer: string;
  readonly skipped: string;
}

/** One row of the benchmark. */
export interface RowResult {
  readonly workload: Workload;
  readonly flops: number;
  /** That have to be moved at least. */
  readonly bytes: number;
  /** Timed rounds. */
  readonly rounds: number;
  readonly peers: readonly (Timed | Skipped)[];
}

/** A whole run. */
export interface Report {
  /** ISO 8601. */
  readonly date: string;
  readonly adapter: string;
  /** Name and version, of a run in a page. */
  readonly browser?: string;
  readonly node: string;
  /** What the adapter can do at most, measured in this run. */
  readonly limits: Limits;
  /** That heed ran with, if any. */
  readonly tuning?: Tuning;
  /** Version of each program by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RowResult[];
  readonly comparisons: readonly ComparisonResult[];
}
