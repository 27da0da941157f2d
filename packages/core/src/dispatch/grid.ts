import type { Gpu } from '../api.ts';
import { assertUsable } from '../device/state.ts';
import { LimitError, ValidationError } from '../errors.ts';

/**
 * Folds a linear workgroup count over two dimensions of at most `max`. The shader recovers its number as
 * `wg.x + wg.y * num_workgroups.x` and returns when that is `total` or more.
 */
export function foldGrid(total: number, max: number): [x: number, y: number, z: number] {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new ValidationError(
      `dispatchGrid: the workgroup count must be a whole number from 0 on; got ${total}.`,
    );
  }
  if (total <= max) return [total, 1, 1];
  const y = Math.ceil(total / max);
  if (y > max) {
    throw new LimitError(
      `dispatchGrid: this device takes ${max} × ${max} workgroups; got ${total}. Split the problem.`,
    );
  }
  return [Math.ceil(total / y), y, 1];
}

/**
 * Workgroups for a linear count, over as many dimensions as the device's limit asks for. The shader recovers its number as
 * `wg.x + wg.y * num_workgroups.x` and returns when that is the count or more.
 *
 * @throws LimitError more than two dimensions hold
 */
export function dispatchGrid(gpu: Gpu, total: number): [x: number, y: number, z: number] {
  assertUsable(gpu);
  return foldGrid(total, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
}
