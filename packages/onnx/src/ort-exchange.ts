import { type DType, type Gpu, type Tensor, UnsupportedError, ValidationError } from '@heed/core';
import { checkTensor, formatShape, isContiguous, toHalf } from '@heed/core/kernel';
import type * as Ort from 'onnxruntime-web';

/** ONNX Runtime's element types, with heed's dtypes. */
const elementTypes = {
  float32: 'f32',
  float16: 'f16',
  int32: 'i32',
  uint32: 'u32',
} as const;

type ElementType = keyof typeof elementTypes;

/** ONNX Runtime's kernels load vectors of 4 words. */
const bytesPerLoad = 16;

/**
 * Returns options for a session that runs on heed's device and leaves its outputs there. Spread them into other options.
 *
 * @example
 * const session = await ort.InferenceSession.create(model, sessionOptions(gpu));
 */
export function sessionOptions(
  gpu: Gpu,
): Required<
  Pick<Ort.InferenceSession.SessionOptions, 'executionProviders' | 'preferredOutputLocation'>
> {
  return {
    executionProviders: [{ name: 'webgpu', device: gpu.device }],
    preferredOutputLocation: 'gpu-buffer',
  };
}

/**
 * Returns a GPU tensor of ONNX Runtime as heed's functions take it: the same memory, no copy.
 *
 * The result is valid until the tensor of ONNX Runtime is disposed. That is allowed as soon as heed's functions have returned:
 * their dispatches run before any later use of the memory.
 *
 * @param gpu a Gpu on the session's device: see {@link sessionOptions}. A tensor of another device fails on the GPU, and the
 *   next `read()` or `settled()` rejects.
 * @param x float32, float16, int32 or uint32
 * @throws ValidationError the tensor is not on the GPU, or was disposed
 * @throws UnsupportedError another element type
 * @example
 * const view = heedTensor(gpu, q).reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]);
 */
export function heedTensor(gpu: Gpu, x: Ort.Tensor): Tensor {
  const fn = 'heedTensor';
  const { location, type, dims } = x;
  if (location !== 'gpu-buffer') {
    throw new ValidationError(
      `${fn}: the tensor must be in a 'gpu-buffer'; its location is '${location}'. Create its session with sessionOptions(gpu), and ` +
        `dispose the tensor later; for a tensor on the CPU, call gpu.tensor(x.data, { shape: x.dims }).`,
    );
  }
  const dtype = (elementTypes as Readonly<Record<string, (typeof elementTypes)[ElementType]>>)[
    type
  ];
  if (dtype === undefined) {
    throw new UnsupportedError(
      `${fn}: the tensor must be ${Object.keys(elementTypes).join(', ')}; got ${type}. Add a Cast at the end of the model.`,
    );
  }
  return gpu.wrap(x.gpuBuffer, { shape: dims, dtype, label: 'onnx tensor' });
}

/**
 * Returns heed's tensor as an input of a session of ONNX Runtime, or as a preallocated output: the same memory, no copy.
 *
 * The result owns the memory: its `dispose()` gives the memory back to heed. Keep both tensors until the run that reads them has
 * resolved. `getData()` reads through heed.
 *
 * @param ort the module of the session: `import * as ort from 'onnxruntime-web/webgpu'`
 * @param x row-major without gaps, at the start of a buffer whose size is a multiple of 16 bytes. Tensors that heed allocates
 *   have such buffers.
 * @throws ValidationError not a tensor of heed
 * @throws UnsupportedError another layout or buffer, or bf16, which ONNX Runtime Web lacks
 * @throws DisposedError
 * @example
 * const { y } = await session.run({ attended: ortTensor(ort, out) });
 */
export function ortTensor(ort: Pick<typeof Ort, 'Tensor'>, x: Tensor): Ort.Tensor {
  const fn = 'ortTensor';
  checkTensor(fn, 'x', x);
  checkLayout(fn, x);
  return ort.Tensor.fromGpuBuffer(x.buffer, {
    dataType: elementTypeOf(fn, x),
    dims: x.shape,
    download: async () => dataOf(await x.read(), x.dtype) as never,
    dispose: () => x.dispose(),
  });
}

function checkLayout(fn: string, { label, shape, strides, byteOffset, buffer }: Tensor): void {
  const name = `"${label}" ${formatShape(shape)}`;
  if (!isContiguous(shape, strides) || byteOffset !== 0) {
    throw new UnsupportedError(
      `${fn}: ${name} must be row-major from the start of its buffer; got strides ${formatShape(strides)} from byte ${byteOffset}. ` +
        'Pass the tensor that it is a view of, and slice or transpose in the model; in f16 without shader-f16, use rows of even length.',
    );
  }
  if (buffer.size % bytesPerLoad === 0) return;
  throw new UnsupportedError(
    `${fn}: ${name} must be in a buffer whose size is a multiple of ${bytesPerLoad}, the bytes that ONNX Runtime loads at a time; ` +
      `got ${buffer.size} bytes. Make the buffer larger.`,
  );
}

function elementTypeOf(fn: string, { dtype, label }: Tensor): ElementType {
  const names = Object.keys(elementTypes) as ElementType[];
  const name = names.find((one) => elementTypes[one] === dtype);
  if (name !== undefined) return name;
  throw new UnsupportedError(
    `${fn}: ONNX Runtime Web has no tensors of ${dtype}; got "${label}" in it. Create it as f32 or f16.`,
  );
}

/** Returns the data that ONNX Runtime holds for a dtype: for f16 a Float16Array where the host has one, else the bits. */
function dataOf(values: ArrayLike<number>, dtype: DType): ArrayLike<number> {
  if (dtype !== 'f16') return values;
  const { Float16Array } = globalThis as { Float16Array?: typeof Float32Array };
  return Float16Array ? Float16Array.from(values) : Uint16Array.from(values, (x) => toHalf(x));
}
