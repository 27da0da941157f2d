const scopes = ['out-of-memory', 'validation'] as const;

/** Runs `work` and resolves to the first line of what the device had against it; undefined when nothing, or without a device. */
export async function gpuErrorOf(
  device: GPUDevice | undefined,
  work: () => Promise<void>,
): Promise<string | undefined> {
  if (device === undefined) return work().then(() => undefined);
  for (const scope of scopes) device.pushErrorScope(scope);
  let errors: (GPUError | null)[] = [];
  try {
    await work();
  } finally {
    errors = await Promise.all(scopes.map(() => device.popErrorScope()));
  }
  return errors.find((error) => error !== null)?.message.split('\n')[0];
}
