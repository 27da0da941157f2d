import { vi } from 'vitest';
import { trimmed } from './guide.ts';

/** What a piece of code prints, call by call. */
export async function printedBy(run: () => unknown): Promise<unknown[][]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await run();
    return log.mock.calls;
  } finally {
    log.mockRestore();
  }
}

/** A call of console.log as a console shows it, for the values that guides print. */
export const shown = (values: readonly unknown[]): string =>
  trimmed(values.map((x) => (Array.isArray(x) ? `[ ${x.join(', ')} ]` : String(x))).join(' '));
