import type { Capabilities } from '@heed/core';
import type { CaseReport } from '../runner.ts';
import type { Path } from '../cli/options.ts';

/** How the program opens its device. */
export interface DeviceOptions {
  readonly minimal: boolean;
  readonly path: Path | undefined;
}

/** What the program is told, each time that it asks: the device first, then cases. */
export type Job = { readonly device: DeviceOptions } | { readonly id: string };

/** What the program says when it asks for its next job: that it runs, or what came of the last job. */
export type Message =
  | { readonly kind: 'started' }
  | { readonly kind: 'opened'; readonly capabilities: Capabilities }
  | { readonly kind: 'broken'; readonly error: string }
  | {
      readonly kind: 'case';
      readonly report: CaseReport;
      /** Distinct pipelines that the device has made so far. */
      readonly pipelines: number;
      /** Whether the device is lost, so that nothing else can run on it. */
      readonly lost: boolean;
    };
