/** Bytes that a device has left for pages. */
export interface Budget {
  left: number;
}

/** Makes a device answer as if it had so many bytes for pools and no more: to create one beyond is an out-of-memory error. */
export function makeScarce(device: GPUDevice, budget: Budget): void {
  const scopes: { filter: GPUErrorFilter; isHit: boolean }[] = [];
  const [createBuffer, push, pop] = [
    device.createBuffer.bind(device),
    device.pushErrorScope.bind(device),
    device.popErrorScope.bind(device),
  ];
  device.pushErrorScope = (filter) => {
    scopes.push({ filter, isHit: false });
    return push(filter);
  };
  device.popErrorScope = async () => {
    const { isHit } = scopes.pop()!;
    const error = await pop();
    return isHit ? { message: 'out of memory' } : error;
  };
  device.createBuffer = (descriptor) => {
    const { label = '', size } = descriptor;
    if (!label.startsWith('heed/pool')) return createBuffer(descriptor);
    if (size > budget.left) {
      scopes.findLast(({ filter }) => filter === 'out-of-memory')!.isHit = true;
      return createBuffer({ ...descriptor, size: 4 });
    }
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    budget.left -= size;
    buffer.destroy = () => {
      budget.left += size;
      return destroy();
    };
    return buffer;
  };
}
