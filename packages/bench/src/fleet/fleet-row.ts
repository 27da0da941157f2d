/** A figure of a worker among others, and its floor. */
export interface FleetRow {
  readonly name: string;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly floor?: number;
  readonly atMost?: number;
}

export const median = (runs: readonly number[]): number =>
  runs.toSorted((a, b) => a - b)[runs.length >> 1]!;

/** Milliseconds of processor time of this process so far, of all its threads. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The same of the calling thread alone. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
