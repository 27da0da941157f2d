/** What a device was asked for while a function ran. */
export interface Watched {
  readonly created: readonly GPUBufferDescriptor[];
  readonly bound: ReadonlySet<GPUBuffer>;
  copies: number;
  submits: number;
}

/** Counts buffers, copies and submits, and collects the buffers that kernels saw. */
export function watched(device: GPUDevice, run: () => void): Watched {
  const created: GPUBufferDescriptor[] = [];
  const bound = new Set<GPUBuffer>();
  const seen: Watched = { created, bound, copies: 0, submits: 0 };
  const { queue } = device;
  const [createBuffer, createBindGroup, createCommandEncoder, submit] = [
    device.createBuffer.bind(device),
    device.createBindGroup.bind(device),
    device.createCommandEncoder.bind(device),
    queue.submit.bind(queue),
  ];
  device.createBuffer = (o) => (created.push(o), createBuffer(o));
  device.createBindGroup = (o) => {
    for (const { resource } of o.entries) bound.add((resource as GPUBufferBinding).buffer);
    return createBindGroup(o);
  };
  device.createCommandEncoder = (o) => {
    const encoder = createCommandEncoder(o);
    const copy = encoder.copyBufferToBuffer.bind(encoder) as (...args: unknown[]) => undefined;
    encoder.copyBufferToBuffer = (...args: unknown[]) => (seen.copies++, copy(...args));
    return encoder;
  };
  queue.submit = (o) => (seen.submits++, submit(o));
  try {
    run();
  } finally {
    Object.assign(device, { createBuffer, createBindGroup, createCommandEncoder });
    queue.submit = submit;
  }
  return seen;
}
