import type { ConformanceReport } from '@heed/conformance';
import type { Summary } from '../stats.ts';
import type { BoxCase } from './case.ts';
import type { Size } from './sizes.ts';
import type { TorchLimits, TorchVersions } from './torch.ts';

/** Something that was not measured, and why. */
export interface NotMeasured {
  readonly notMeasured: string;
}

/** A program's times in a case. */
export interface Measured {
  readonly how: string;
  readonly right: boolean;
  /** The largest distance from float64 over all probes, as a share of what is allowed. */
  readonly errorOfLimit: number;
  readonly maxError: number;
  /** Load and first run, compilation included. */
  readonly firstUseMs: number;
  /** Wall time of one call. */
  readonly ms: Summary;
  /** Its GPU time, where there is a clock. */
  readonly gpuMs?: Summary;
  readonly samples: readonly number[];
}

/** One case as both programs did it. */
export interface CaseResult {
  readonly case: BoxCase;
  readonly flops: number;
  readonly bytes: number;
  /** Calls in a timed sample of heed's. */
  readonly calls: number;
  readonly heed: Measured | NotMeasured;
  readonly peer: Measured | NotMeasured;
  /** The other program's time over heed's, round by round: heed's speed as a share of its. */
  readonly speedOfPeer?: Summary;
}

/** What the card can do at most. */
export interface CardLimits {
  /** heed's own: 10⁹ operations a second of f32 multiply-adds on vectors, outside the matrix units. */
  readonly vectorGflops: number;
  /** heed's own: 10⁹ bytes a second, read and written. */
  readonly copyGigabytes: number;
  readonly torch: TorchLimits | NotMeasured;
}

/** The conformance cases on one path. */
export interface ConformanceResult {
  readonly path: string;
  readonly counts: ConformanceReport['counts'];
  readonly failed: readonly string[];
  readonly seconds: number;
}

/** A whole run on one machine. */
export interface BoxReport {
  readonly date: string;
  readonly adapter: string;
  readonly node: string;
  readonly heed: string;
  readonly size: Size;
  readonly torch: TorchVersions | NotMeasured;
  readonly conformance: readonly ConformanceResult[];
  readonly limits: CardLimits;
  readonly cases: readonly CaseResult[];
}

export function isMeasured<T extends object>(one: T | NotMeasured): one is T {
  return !('notMeasured' in one);
}
