/** Median milliseconds of each piece of work, and over how many rounds. */
export interface Times {
  readonly ms: readonly number[];
  readonly rounds: number;
}

/** How long to measure. */
export interface TimingOptions {
  /** Milliseconds to spend, as far as the first round foretells. One round is always timed. */
  readonly budget: number;
  readonly maxRounds: number;
  readonly now?: () => number;
}

/**
 * Times several pieces of work, each of which ran before, in turn, round after round: in turn, so that a slow
 * moment of the machine does not fall on one of them alone.
 */
export async function medianTimes(
  runs: readonly (() => Promise<void>)[],
  { budget, maxRounds, now = () => performance.now() }: TimingOptions,
): Promise<Times> {
  const timeRound = async (): Promise<number[]> => {
    const times: number[] = [];
    for (const run of runs) {
      const start = now();
      await run();
      times.push(now() - start);
    }
    return times;
  };
  const first = await timeRound();
  const foretold = Math.floor(budget / first.reduce((sum, ms) => sum + ms, 0));
  const samples = [first];
  while (samples.length < Math.min(maxRounds, foretold)) samples.push(await timeRound());
  return {
    ms: runs.map((_, i) => median(samples.map((times) => times[i] as number))),
    rounds: samples.length,
  };
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
