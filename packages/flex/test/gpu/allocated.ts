import { type Gpu, openGpu } from '@heed/core';

/** Bytes of the buffers that heed has made and not destroyed. */
export interface Allocated {
  /** A Gpu of its own on the same device, so that no memory is left over from before. */
  readonly gpu: Gpu;
  readonly bytes: () => number;
}

/**
 * Counts what is allocated while a function runs. Nothing of it runs on the device: what heed allocates does not depend on
 * what kernels compute.
 */
export async function countingBytes<T>(
  { device }: Gpu,
  run: (allocated: Allocated) => T,
): Promise<T> {
  const { queue } = device;
  const [createBuffer, submit] = [device.createBuffer.bind(device), queue.submit.bind(queue)];
  let bytes = 0;
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    bytes += descriptor.size;
    buffer.destroy = () => {
      bytes -= descriptor.size;
      destroy();
    };
    return buffer;
  };
  queue.submit = () => undefined;
  const gpu = await openGpu({ device });
  try {
    return run({ gpu, bytes: () => bytes });
  } finally {
    gpu.dispose();
    device.createBuffer = createBuffer;
    queue.submit = submit;
  }
}
