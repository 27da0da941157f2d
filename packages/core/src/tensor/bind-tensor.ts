import { assertUsable } from '../host/gpu-state.ts';
import { placeholder } from '../host/kernel-buffers.ts';
import {
  alignUp,
  BIND_ALIGNMENT,
  type BoundTensor,
  type BufferRange,
} from '../text/buffer-range.ts';
import { bytesPerElement } from '../text/dtype.ts';
import { LimitError, ValidationError } from '../text/errors.ts';
import type { Tensor } from '../text/gpu.ts';
import { elementExtent, formatShape } from '../text/shape.ts';
import { assertAlive, isPooled, isShapeOnly, knownBinding } from './tensor.ts';

/**
 * Returns the range of exactly the elements that a tensor touches. Its start is aligned down to 256 bytes; the kernel gets the rest
 * of the offset as a number.
 * @param bytesPerLoad bytes of the kernel's widest load; the range ends on a multiple of it
 * @throws LimitError the range exceeds `maxStorageBufferBindingSize`
 * @throws DisposedError the tensor or its Gpu was disposed
 * @throws DeviceLostError its device is lost
 */
export function bindTensor(t: Tensor, bytesPerLoad = 4): BoundTensor {
  assertUsable(t.gpu);
  assertAlive('bindTensor', t);
  return knownBinding(t, bytesPerLoad, () => bindingOf(t, bytesPerLoad));
}

function bindingOf(t: Tensor, bytesPerLoad: number): BoundTensor {
  if (isShapeOnly(t)) return { range: { buffer: t.buffer, offset: 0, size: 0 }, elementOffset: 0 };
  const { maxStorageBufferBindingSize } = t.gpu.capabilities.limits;
  const bytes = bytesPerElement[t.dtype];
  const extent = elementExtent(t.shape, t.strides);
  if (extent === 0) return { range: emptyRange(t), elementOffset: 0 };
  const offset = Math.floor(t.byteOffset / BIND_ALIGNMENT) * BIND_ALIGNMENT;
  const size = alignUp(t.byteOffset + extent * bytes - offset, bytesPerLoad);
  if (offset + size > t.buffer.size) {
    throw new ValidationError(
      `bindTensor: loads of ${bytesPerLoad} bytes reach beyond the buffer of "${t.label}" ${formatShape(t.shape)} (${t.buffer.size} bytes). Load ${bytes === 2 ? 4 : bytes} bytes at a time.`,
    );
  }
  if (size > maxStorageBufferBindingSize) {
    throw new LimitError(
      `bindTensor: one binding holds at most ${maxStorageBufferBindingSize} bytes on this device; tensor "${t.label}" ` +
        `${formatShape(t.shape)} ${t.dtype} spans ${size}. Slice it, or use f16 or bf16.`,
    );
  }
  return {
    range: { buffer: t.buffer, offset, size, owned: isPooled(t) },
    elementOffset: (t.byteOffset - offset) / bytes,
  };
}

// A binding may not be empty, so an empty tensor binds one vector of its own buffer, which no kernel touches.
function emptyRange(t: Tensor): BufferRange {
  const size = 16;
  return t.buffer.size >= size
    ? { buffer: t.buffer, offset: 0, size, owned: isPooled(t) }
    : placeholder(t.gpu, 'read');
}
