import { type Gpu, LimitError } from '@heed/core';
import { threadGrid, WORKGROUP } from '@heed/core/kernel';

/**
 * The grid of `threads` threads, once for every pool that the kernel serves.
 * @throws LimitError more threads than 32 bits number
 */
export function workgroupsOf(
  gpu: Gpu,
  fn: string,
  threads: number,
  pools: 1 | 2,
): [x: number, y: number, z: number] {
  if (threads > 2 ** 32 - WORKGROUP) {
    throw new LimitError(
      `${fn}: one call writes fewer than 2³² words; got ${threads}. Split it into several calls.`,
    );
  }
  const [x, y] = threadGrid(gpu, threads);
  return [x, y, pools];
}
