import type { Tuning } from '@heed/core';
import type { RowResult } from '../measure/bench-results.ts';
import { packageVersion } from '../measure/gpu-host.ts';
import type { Limits } from '../measure/roofline.ts';
import type { Workload } from '../measure/workloads.ts';

/** The work of a page. */
export interface PageJob {
  readonly rows: readonly Workload[];
  /** Versions of the programs to run, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly tuning?: Tuning;
}

/** The results of a page. */
export interface PageResult {
  readonly adapter: string;
  readonly limits: Limits;
  readonly rows: readonly RowResult[];
}

declare global {
  /** The page's only function, for Playwright to call. */
  var runBench: ((job: PageJob) => Promise<PageResult>) | undefined;
  /** Playwright defines it in the page. */
  var benchProgress: ((line: string) => void) | undefined;
}

/** Programs that run in a page; `plain` runs on a device without subgroups. */
export type PagePeer = 'heed' | 'onnxruntime-web' | 'onnxruntime-web-plain' | 'jax-js' | 'tfjs';

const packages: Readonly<Record<PagePeer, string>> = {
  heed: '@heed/kernels-wgsl',
  'onnxruntime-web': 'onnxruntime-web',
  'onnxruntime-web-plain': 'onnxruntime-web',
  'jax-js': '@jax-js/jax',
  tfjs: '@tensorflow/tfjs-core',
};

/** The programs that the benchmark knows in a page; heed first. */
export const pagePeerNames = Object.keys(packages) as readonly PagePeer[];

/** Returns the installed version of each program. */
export function versionsOf(names: readonly PagePeer[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, packageVersion(packages[name])]));
}
