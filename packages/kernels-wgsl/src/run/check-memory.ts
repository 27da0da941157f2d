import { LimitError } from '@heed/core';
import type { Call } from '../api/call.ts';

/**
 * Holds memory that a run needs beside its arguments against what one binding can have.
 * @param words how many 32-bit words it takes
 * @param what it holds
 * @throws LimitError it is larger, with what makes it smaller
 */
export function checkMemory(
  { fn, gpu }: Pick<Call, 'fn' | 'gpu'>,
  words: number,
  what: string,
  fix: string,
): void {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const max = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (4 * words <= max) return;
  throw new LimitError(
    `${fn}: ${what} must fit one binding of ${max} bytes on this device; got ${4 * words} bytes. ${fix}`,
  );
}
