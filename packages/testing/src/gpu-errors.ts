import type { HeedError } from '@heed/core';

type SomeError = GPUError | HeedError | Error;

const unseen: SomeError[] = [];

/** Collects an error that nobody awaited; the GPU set-up file fails the test that caused it. */
export function collectError(error: SomeError): void {
  unseen.push(error);
}

/** Collects the device's uncaptured errors. */
export function watchErrors(device: GPUDevice): void {
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    collectError(event.error);
  });
}

/**
 * Takes the errors collected since the last call. A test that provokes an error on the shared
 * device calls this to say that it was meant.
 */
export function takeGpuErrors(): SomeError[] {
  return unseen.splice(0);
}
