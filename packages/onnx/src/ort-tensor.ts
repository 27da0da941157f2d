import { type DType, type Tensor, UnsupportedError } from '@heed/core';
import { checkTensor, formatShape, isContiguous, toHalf } from '@heed/core/kernel';
import type * as Ort from 'onnxruntime-web';
import { elementTypeOf } from './element-types.ts';

const fn = 'ortTensor';

// ONNX Runtime's kernels bind and load vectors of 4 words.
const bytesPerLoad = 16;

/**
 * heed's tensor as a session of ONNX Runtime's takes it, or writes it as a preallocated output: the same memory, no copy.
 *
 * The memory goes with it: `dispose()` of the result gives it back to heed. Keep both until the run that reads it has
 * resolved. `getData()` reads it through heed.
 *
 * @param ort the module that the session comes from: `import * as ort from 'onnxruntime-web/webgpu'`
 * @param x row-major without gaps, from the start of a buffer whose size is a multiple of 16 bytes, as that of every tensor
 *   that heed allocates
 * @throws ValidationError no tensor of heed's
 * @throws UnsupportedError another layout, or another buffer
 * @throws DisposedError
 * @example
 * const { y } = await session.run({ attended: ortTensor(ort, out) });
 */
export function ortTensor(ort: Pick<typeof Ort, 'Tensor'>, x: Tensor): Ort.Tensor {
  checkTensor(fn, 'x', x);
  checkLayout(x);
  return ort.Tensor.fromGpuBuffer(x.buffer, {
    dataType: elementTypeOf(x.dtype),
    dims: x.shape,
    download: async () => dataOf(await x.read(), x.dtype) as never,
    dispose: () => x.dispose(),
  });
}

function checkLayout({ label, shape, strides, byteOffset, buffer }: Tensor): void {
  const name = `"${label}" ${formatShape(shape)}`;
  if (!isContiguous(shape, strides) || byteOffset !== 0) {
    throw new UnsupportedError(
      `${fn}: ${name} must be row-major from the start of its buffer; got strides ${formatShape(strides)} from byte ${byteOffset}. ` +
        'Hand over the tensor it is a view of, and let the model slice or transpose it; in f16 without shader-f16, take rows of even length.',
    );
  }
  if (buffer.size % bytesPerLoad === 0) return;
  throw new UnsupportedError(
    `${fn}: ${name} must lie in a buffer whose size is a multiple of ${bytesPerLoad}, which ONNX Runtime loads at a time; got ${buffer.size} ` +
      'bytes. Make the buffer larger.',
  );
}

/** What ONNX Runtime holds for a type: of float16 the numbers where the host has them, else their bits. */
function dataOf(values: ArrayLike<number>, dtype: DType): ArrayLike<number> {
  if (dtype !== 'f16') return values;
  const { Float16Array } = globalThis as { Float16Array?: typeof Float32Array };
  return Float16Array ? Float16Array.from(values) : Uint16Array.from(values, toHalf);
}
