import type { TuningEntry } from '@heed/core';
import type { NamesOf } from '@heed/core/kernel';

/** Options of `tune`: time limits, candidates and progress callbacks. */
export interface TuneOptions {
  /** Time limit in seconds; candidates not started by then are reported as 'skipped'; default: no limit. */
  readonly seconds?: number;
  /** Timed rounds; after the first, candidates slower than 1.5 × the best are dropped; default 7. */
  readonly rounds?: number;
  /** Which tiles to try beside the default; default: all. */
  readonly filter?: (entry: TuningEntry) => boolean;
  /**
   * Also tries the path `integers` for few rows over int8 and int4 pages: it rounds each row of q to 8 bits, which changes results by about
   * as much as int8 pages do. Default false.
   */
  readonly integers?: boolean;
  /** Longest compile time, in seconds, of a candidate that may be chosen; default 20. */
  readonly compileSeconds?: number;
  /** Aborts between two dispatches; results so far are discarded. */
  readonly signal?: AbortSignal;
  /** Called before each candidate is compiled, and before each round. */
  readonly onProgress?: (label: string) => void;
  /** Called when a kernel of a canonical problem is done. */
  readonly onReport?: (report: TuneReport) => void;
}

export const tuneNames: NamesOf<TuneOptions> = {
  seconds: 1,
  rounds: 1,
  filter: 1,
  integers: 1,
  compileSeconds: 1,
  signal: 1,
  onProgress: 1,
  onReport: 1,
};

/** Results of the candidates for one kernel of a canonical problem. */
export interface TuneReport {
  /** Its name in `Tuning.entries`. */
  readonly key: string;
  /** 'timestamp': time on the GPU. 'wall': time until the host was notified of completion. Missing if nothing was timed. */
  readonly source?: 'timestamp' | 'wall';
  /** Third / first quartile of the default's times. Above about 1.2 the machine had other work: tune again when it is idle. */
  readonly spread?: number;
  /** The default first. */
  readonly candidates: readonly CandidateReport[];
  /** The entry that the tuning has for this kernel; missing if there was no time left to start. */
  readonly chosen?: TuningEntry;
}

/** Result of one candidate of `tune`. */
export interface CandidateReport {
  readonly entry: TuningEntry;
  /**
   * 'timed'; 'dropped' after the first round; 'wrong': its result differs from the default's; 'failed' to compile or to run;
   * 'slow': it took too long to compile; 'skipped': there was no time left.
   */
  readonly status: 'timed' | 'dropped' | 'wrong' | 'failed' | 'slow' | 'skipped';
  /** Reason for a status other than 'timed'. */
  readonly reason?: string;
  /** Milliseconds of the first use: compiling, and one dispatch over no elements. */
  readonly compileMs?: number;
  /** Milliseconds per call, median over the rounds; for several problems of one key, their geometric mean. */
  readonly ms?: number;
  /** Median over the rounds of the ratio of its time to the default's in the same round. */
  readonly ratio?: number;
  /** Whether it is no slower than the default in three of four rounds and in the best laps. If not, it is not chosen. */
  readonly isSteady?: boolean;
}
