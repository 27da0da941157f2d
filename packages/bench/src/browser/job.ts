import type { Tuning } from '@heed/core';
import type { RowResult } from '../results.ts';
import type { Limits } from '../roofline/limits.ts';
import type { Workload } from '../workloads.ts';

/** What the page is told to do. */
export interface PageJob {
  readonly rows: readonly Workload[];
  /** Versions of the programs to run, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly tuning?: Tuning;
}

/** What comes of it. */
export interface PageResult {
  readonly adapter: string;
  readonly limits: Limits;
  readonly rows: readonly RowResult[];
}

declare global {
  /** The page's only function, for Playwright to call. */
  var runBench: ((job: PageJob) => Promise<PageResult>) | undefined;
  /** Given to the page by Playwright. */
  var benchProgress: ((line: string) => void) | undefined;
}
