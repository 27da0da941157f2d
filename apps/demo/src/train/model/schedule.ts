/** How the learning rate goes: up linearly, then down along a cosine to a tenth. */
export interface Schedule {
  readonly peak: number;
  readonly warmup: number;
  readonly steps: number;
}

const LAST = 0.1;

/** The learning rate of a step, counted from 0. */
export function learningRate({ peak, warmup, steps }: Schedule, step: number): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const done = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (LAST + ((1 - LAST) * (1 + Math.cos(Math.PI * done))) / 2);
}
