/**
 * What stands for an infinity on the GPU, since WGSL has none. Sums and doubles of it stay finite, and every kernel
 * counts a score as masked that is at or below −1e30.
 */
export const INFINITE: number = Math.fround(1e38);

// What every kernel takes for masked.
const MASKED = -1e30;

/** What the softmax takes for a score: hidden or not a number, −∞; none above the largest. */
export function asScore(value: number): number {
  return value > MASKED ? Math.min(value, INFINITE) : -Infinity;
}

/** The value as the GPU holds it. */
export function finite(value: number): number {
  return Math.abs(value) === Infinity ? Math.sign(value) * INFINITE : value;
}
