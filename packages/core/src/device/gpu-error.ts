import { GpuError } from '../errors.ts';

/**
 * An error of WebGPU's as heed reports it.
 * @param what the function to blame
 */
export function gpuError(what: string, error: GPUError): GpuError {
  const name = error.constructor.name;
  const kind = name.includes('Memory')
    ? 'out-of-memory'
    : name.includes('Internal')
      ? 'internal'
      : 'validation';
  const fix =
    kind === 'out-of-memory'
      ? 'Dispose tensors that are no longer needed, or use smaller ones.'
      : 'Its outputs hold no result.';
  return new GpuError(
    `${what}: the GPU found an error (${kind}): ${error.message.trim()} ${fix}`,
    kind,
    { cause: error },
  );
}
