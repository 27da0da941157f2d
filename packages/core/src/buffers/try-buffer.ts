import { attempt } from '../device/attempt.ts';
import type { GpuState } from '../device/state.ts';
import { checkBufferSize } from './pool.ts';
import { alignUp } from './range.ts';
import { COPY_DST, COPY_SRC, STORAGE } from './usage.ts';

/**
 * A buffer of `bytes` and no more, or undefined where there is no room: what is large shall be neither rounded up nor found
 * missing later. Idle buffers of the pool, which takes this one back, make way first.
 */
export async function tryBuffer(
  { device, faults, pool }: Pick<GpuState, 'device' | 'faults' | 'pool'>,
  fn: string,
  bytes: number,
  label: string,
): Promise<GPUBuffer | undefined> {
  checkBufferSize(fn, bytes, device.limits.maxBufferSize);
  const size = Math.max(4, alignUp(bytes, 4));
  const usage = STORAGE | COPY_SRC | COPY_DST;
  pool.drop();
  const { result, error } = await faults.scope(fn, ['validation'], () =>
    attempt(device, faults, 'out-of-memory', () => device.createBuffer({ label, size, usage })),
  );
  if (error) {
    result.destroy();
    return undefined;
  }
  pool.taken(size);
  pool.poison?.(result);
  return result;
}
