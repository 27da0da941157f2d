import { describeMismatch, type TensorMatch } from './mismatch.ts';

declare module 'vitest' {
  // The parameters repeat vitest's own declaration: interfaces merge only if they agree.
  // oxlint-disable-next-line no-unused-vars
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** Compares element by element and prints a table of the mismatches. NaN matches NaN. */
    toMatchTensor: (want: ArrayLike<number>, match?: TensorMatch) => R;
  }
}

/** The vitest matcher `expect(got).toMatchTensor(want, { tolerance, shape })`. */
export function toMatchTensor(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  match?: TensorMatch,
): { pass: boolean; message: () => string } {
  const mismatch = describeMismatch(got, want, match);
  return { pass: mismatch === undefined, message: () => mismatch ?? 'the tensors match' };
}
