/** What serving has come to so far. */
export interface Tally {
  readonly steps: number;
  /** Rows that steps computed, drafts included. */
  readonly computed: number;
  /** Tokens of answers. */
  readonly generated: number;
  /** Time in steps. */
  readonly ms: number;
  /** Tokens that requests brought when they were let in, again after a preemption. */
  readonly lookedUp: number;
  /** Of those, the ones whose pages were there. */
  readonly hits: number;
  readonly forks: number;
  readonly preemptions: number;
  /** Tokens that were guessed, and how many of them were right. The others were truncated. */
  readonly drafted: number;
  readonly accepted: number;
}

export const noTally: Tally = {
  steps: 0,
  computed: 0,
  generated: 0,
  ms: 0,
  lookedUp: 0,
  hits: 0,
  forks: 0,
  preemptions: 0,
  drafted: 0,
  accepted: 0,
};

/** Both together. */
export function addTally(a: Tally, b: Partial<Tally>): Tally {
  const keys = Object.keys(noTally) as (keyof Tally)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + (b[key] ?? 0)])) as unknown as Tally;
}
