import type { TuningEntry } from '@heed/core';
import type { NamesOf } from '@heed/core/kernel';

/** How long `tune` may take, what it tries, and who is told. */
export interface TuneOptions {
  /** No candidate is begun after this time, what is left out is reported as 'skipped'; default: no limit. */
  readonly seconds?: number;
  /** Timed rounds, the first of which drops what is slower than 1.5 × the best; default 7. */
  readonly rounds?: number;
  /** Which tiles to try beside the default; default: all. */
  readonly filter?: (entry: TuningEntry) => boolean;
  /** A candidate that takes longer to compile is not chosen, however fast it is; default 20. */
  readonly compileSeconds?: number;
  /** Stops between two dispatches; the tuning is then lost. */
  readonly signal?: AbortSignal;
  /** Called before each candidate is compiled, and before each round. */
  readonly onProgress?: (label: string) => void;
  /** Called for each kernel of a canonical problem as it is done. */
  readonly onReport?: (report: TuneReport) => void;
}

export const tuneNames: NamesOf<TuneOptions> = {
  seconds: 1,
  rounds: 1,
  filter: 1,
  compileSeconds: 1,
  signal: 1,
  onProgress: 1,
  onReport: 1,
};

/** How the candidates for one kernel of a canonical problem fared. */
export interface TuneReport {
  /** Its name in `Tuning.entries`. */
  readonly key: string;
  /** 'timestamp': time on the GPU. 'wall': time until the host heard that it was done. Missing if nothing was timed. */
  readonly source?: 'timestamp' | 'wall';
  /** Third / first quartile of the default's own times: above 1.2 or so the machine had other work; tune again when it is idle. */
  readonly spread?: number;
  /** The default first. */
  readonly candidates: readonly CandidateReport[];
  /** What the tuning has for it; missing if there was no time left to begin. */
  readonly chosen?: TuningEntry;
}

/** How one candidate of `tune` fared. */
export interface CandidateReport {
  readonly entry: TuningEntry;
  /**
   * 'timed'; 'dropped' after the first round; 'wrong': its result is not the default's; 'failed' to compile or to run;
   * 'slow': it took too long to compile; 'skipped': there was no time left.
   */
  readonly status: 'timed' | 'dropped' | 'wrong' | 'failed' | 'slow' | 'skipped';
  /** Why, where it is not 'timed'. */
  readonly reason?: string;
  /** First use: compiling and one dispatch over nothing. */
  readonly compileMs?: number;
  /** Median over the rounds of one call, milliseconds; over several problems of one key their geometric mean. */
  readonly ms?: number;
  /** Median over the rounds of its time / the default's in the same round. */
  readonly ratio?: number;
  /** No slower than the default in three rounds of four, and by the best laps of both: else a gain may be chance, and is not taken. */
  readonly isSteady?: boolean;
}
