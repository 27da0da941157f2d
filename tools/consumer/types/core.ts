// What a user of @heed/core alone writes; compiled, never run.
import { HeedError, openGpu, type DType, type Gpu, type Tensor } from '@heed/core';

export async function roundTrip(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayLike<number>> {
  const dtype: DType = 'f32';
  using gpu: Gpu = await openGpu({ device });
  using wrapped: Tensor = gpu.wrap(buffer, { shape: [2, 3], dtype });
  using view = wrapped.permute([1, 0]).slice(0, 0, 2);
  try {
    return await view.read();
  } catch (error) {
    if (HeedError.is(error)) throw new Error(error.code, { cause: error });
    throw error;
  }
}
