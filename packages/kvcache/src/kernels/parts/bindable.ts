import { LimitError, type Tensor } from '@heed/core';
import { bytesPerElement, elementExtent, formatShape } from '@heed/core/kernel';

/** Bindings start at multiples of this. */
const alignment = 256;

/**
 * What binding would find, before anything has changed.
 * @throws LimitError the tensor spans more bytes than one binding holds
 */
export function checkBindable(fn: string, name: string, t: Tensor): void {
  const most = t.gpu.device.limits.maxStorageBufferBindingSize;
  const bytes = elementExtent(t.shape, t.strides) * bytesPerElement[t.dtype];
  if ((t.byteOffset % alignment) + bytes <= most) return;
  throw new LimitError(
    `${fn}: ${name} must fit one binding, ${most} bytes on this device; got ${bytes} bytes, ${formatShape(t.shape)}. ` +
      'Pass fewer rows at a time.',
  );
}
