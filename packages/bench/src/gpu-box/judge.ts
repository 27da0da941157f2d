import { maxErrorOf } from '../verdict.ts';
import type { ProbeExpected } from './expected.ts';
import type { Measured } from './report.ts';

// Of the largest value, for a program that keeps weights as halves on the way; faults are far larger.
const peerLimit = 0.02;

/** The same results with the limit that another program is held to. */
export function loosely(wanted: readonly ProbeExpected[]): ProbeExpected[] {
  return wanted.map(({ want }) => ({ want, limit: peerLimit * largest(want) }));
}

/** How far a program's samples are from what is wanted; samples that are missing are infinitely far. */
export function judged(
  samples: readonly ArrayLike<number>[],
  wanted: readonly ProbeExpected[],
): Pick<Measured, 'right' | 'errorOfLimit' | 'maxError'> {
  const errors = wanted.map(({ want }, i) => maxErrorOf(samples[i] ?? [], want));
  const errorOfLimit = Math.max(...errors.map((error, i) => error / wanted[i]!.limit));
  return { right: errorOfLimit <= 1, errorOfLimit, maxError: Math.max(...errors) };
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}
