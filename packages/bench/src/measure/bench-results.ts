import type { Gpu, Tuning } from '@heed/core';
import type { Unsupported } from './bench-problem.ts';
import type { Limits } from './roofline.ts';
import type { Run, Summary } from './timing.ts';
import type { Verdict } from './verdict.ts';
import type { Workload } from './workloads.ts';

/** A program whose result was checked, and the time of its first use. */
export interface Checked extends Verdict {
  readonly peer: string;
  readonly how: string;
  /** Milliseconds of set-up and the first run; most of it is shader compilation. */
  readonly firstUseMs: number;
}

/** A program that was timed. Times are milliseconds until the output was on the host. */
export interface Timed extends Checked {
  readonly ms: Summary;
  readonly gflops: number;
  /** Ratio of this program's time to heed's, per round; absent if heed did not run. */
  readonly ratio?: Summary;
  readonly samples: readonly number[];
}

/** A program that did not run, and why. */
export interface Skipped {
  readonly peer: string;
  readonly skipped: string;
}

/** One row of the benchmark. */
export interface RowResult {
  readonly workload: Workload;
  readonly flops: number;
  /** Least number of bytes to move. */
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
  /** Name and version of the browser, for a run in a page. */
  readonly browser?: string;
  readonly node: string;
  /** Limits of the adapter, measured in this run. */
  readonly limits: Limits;
  /** The tuning of heed, if any. */
  readonly tuning?: Tuning;
  /** Version of each program by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RowResult[];
  readonly comparisons: readonly ComparisonResult[];
}

/** Something set up to be timed. */
export interface Job {
  /** Does the work once; resolves when an output is on the host. */
  readonly run: Run;
  /** Distance of the latest output from float64, and the limit of the error budgets. */
  readonly check?: () => Distance;
  readonly dispose: () => void;
}

export interface Distance {
  readonly maxError: number;
  readonly limit: number;
}

/** The targets of a contestant; most have none. */
interface Promised {
  /** Largest allowed ratio of its time to the first contestant's. */
  readonly atMost?: number;
  /** Smallest allowed ratio of its time to the first contestant's: how much faster the first one is. */
  readonly atLeast?: number;
  /** Largest allowed time in milliseconds. */
  readonly atMostMs?: number;
}

/** One of the calls that a comparison compares. */
export interface Contestant extends Promised {
  readonly name: string;
  /** A short description of the call. */
  readonly how: string;
  readonly prepare: (gpu: Gpu) => Promise<Job | Unsupported>;
}

/** Calls to compare; times are reported as multiples of the first one's. */
export interface Comparison {
  readonly id: string;
  readonly title: string;
  /** True for a headline, which runs without --all and without names. */
  readonly headline?: boolean;
  readonly contestants: readonly Contestant[];
}

/** The result of a contestant. */
export interface Placed extends Promised {
  readonly name: string;
  readonly how: string;
  readonly firstUseMs: number;
  readonly distance?: Distance;
  readonly ms: Summary;
  /** Ratio of its time to the first one's, per round. */
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

/** Returns the known ones of vendor, architecture and description of an adapter. */
export function adapterName({ vendor, architecture, device, description }: Names): string {
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}
