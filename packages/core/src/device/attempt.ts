import { breathing } from './breathe.ts';
import type { Faults } from './faults.ts';

/** What was made, and the GPU error that it met. */
export interface Attempt<T> {
  readonly result: T;
  readonly error: GPUError | null;
}

/** Runs `fn`, and resolves with the GPU error of this kind if there was one, which nobody else is told. */
export async function attempt<T>(
  device: GPUDevice,
  faults: Faults,
  filter: GPUErrorFilter,
  fn: () => T,
): Promise<Attempt<T>> {
  device.pushErrorScope(filter);
  let result: T;
  let popped: Promise<GPUError | null>;
  try {
    result = fn();
  } finally {
    popped = device.popErrorScope();
  }
  const error = await faults.unlessLost(breathing(device.adapterInfo, popped));
  return { result, error };
}
