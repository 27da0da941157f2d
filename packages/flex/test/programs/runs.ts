import { isFullRun } from '@heed/testing';

/** How many cases a property is tried on: the same ones every time. */
export const runs = (numRuns: number, seed: number): { numRuns: number; seed: number } => ({
  numRuns: isFullRun() ? numRuns * 20 : numRuns,
  seed,
});
