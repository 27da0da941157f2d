import type { Gpu, Tuning } from '@heed/core';
import type { Unsupported } from './bench-problem.ts';
import type { Limits } from './roofline.ts';
import type { Run, Summary } from './timing.ts';
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
interface Promised {
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

type Names = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;

/** Vendor, architecture and description of an adapter, as far as they are told. */
export function adapterName({ vendor, architecture, device, description }: Names): string {
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}
