const uncaptured: GPUError[] = [];

/** Collects the device's uncaptured errors; the GPU set-up file fails the test that caused them. */
export function watchErrors(device: GPUDevice): void {
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    uncaptured.push(event.error);
  });
}

/**
 * Takes the errors collected since the last call. A test that provokes an error on the shared
 * device calls this to say that it was meant.
 */
export function takeGpuErrors(): GPUError[] {
  return uncaptured.splice(0);
}
